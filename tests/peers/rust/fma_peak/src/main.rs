//! Prints the peak rate of f32 multiply-adds on this machine, in GFLOP/s, on one and on two threads.
//!
//! A kernel has as many independent accumulators as registers allow. So neither the latency of an FMA (4 cycles on 2 ports,
//! which needs at least 8 accumulators) nor memory limits it. `fma-peak avx2` does not use AVX-512.

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// A name, a function that runs the inner block this many times, and the FLOP of the block.
    type Kernel = (&'static str, unsafe fn(u64), u64);

    macro_rules! kernel {
        ($name:ident, $features:literal, $set1:ident, $fma:ident, $accumulators:literal) => {
            #[target_feature(enable = $features)]
            fn $name(rounds: u64) {
                // a = a / 2 + 1 stays between 1 and 2: no denormals, no infinities.
                let (half, one) = (black_box($set1(0.5)), black_box($set1(1.0)));
                let mut accumulators = [one; $accumulators];
                for _ in 0..rounds {
                    for a in &mut accumulators {
                        *a = $fma(*a, half, one);
                    }
                }
                black_box(accumulators);
            }
        };
    }

    kernel!(avx512, "avx512f", _mm512_set1_ps, _mm512_fmadd_ps, 24);
    kernel!(avx2, "avx2,fma", _mm256_set1_ps, _mm256_fmadd_ps, 12);

    /// The widest kernel that may run here.
    pub fn kernel(avx512_allowed: bool) -> Option<Kernel> {
        if avx512_allowed && is_x86_feature_detected!("avx512f") {
            Some(("avx512", avx512, 24 * 16 * 2))
        } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            Some(("avx2", avx2, 12 * 8 * 2))
        } else {
            None
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn main() {
    use std::sync::Barrier;
    use std::time::Instant;

    const ROUNDS: u64 = 1_000_000;
    const REPEATS: usize = 50;

    let avx512_allowed = std::env::args().nth(1).is_none_or(|isa| isa != "avx2");
    let (isa, kernel, flop) = x86::kernel(avx512_allowed).expect("a processor with FMA");
    let gflops = |threads: usize| {
        let barrier = Barrier::new(threads);
        let run = || {
            barrier.wait();
            let start = Instant::now();
            // SAFETY: `x86::kernel` returned it because this processor has its instructions.
            unsafe { kernel(ROUNDS) };
            barrier.wait();
            start.elapsed().as_secs_f64()
        };
        let repeat = || {
            std::thread::scope(|scope| {
                let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
                others
                    .into_iter()
                    .map(|other| other.join().expect("no panic"))
                    .fold(run(), f64::max)
            })
        };
        let best = (0..REPEATS).map(|_| repeat()).fold(f64::INFINITY, f64::min);
        (threads as u64 * ROUNDS * flop) as f64 / best / 1e9
    };
    println!(r#"{{"isa":"{isa}","gflops":{{"1":{:.1},"2":{:.1}}}}}"#, gflops(1), gflops(2));
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {
    panic!("the FMA peak is measured on x86-64 only");
}
