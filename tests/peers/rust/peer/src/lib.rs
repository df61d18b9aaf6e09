//! Shared by the Rust peers: arguments, data, the order of an epoch, timing and printing.
//!
//! It has the same protocol as `common.py`.

use std::hint::black_box;
use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;
use std::{env, fs};

use serde_json::{Value, json};

const IN_REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../data/fashion-mnist");

/// Pixels of an image.
pub const PIXELS: usize = 784;
/// Classes of the dataset.
pub const CLASSES: usize = 10;

/// The arguments of a peer.
pub struct Args {
    /// `train`, `infer` or `checkpoint`.
    pub task: String,
    pub threads: usize,
    pub batch: usize,
    pub hidden: Vec<usize>,
    /// Timed epochs, after one that is not timed.
    pub epochs: usize,
    pub seed: u64,
}

impl Args {
    /// Layer sizes, input and output included.
    pub fn sizes(&self) -> Vec<usize> {
        [&[PIXELS], self.hidden.as_slice(), &[CLASSES]].concat()
    }
}

/// Reads the arguments, limits rayon to their threads and flushes denormals on every thread.
///
/// Call it before anything else.
pub fn start() -> Args {
    let mut words = env::args().skip(1);
    let mut args = Args {
        task: words.next().expect("a task: train, infer or checkpoint"),
        threads: 2,
        batch: 128,
        hidden: vec![128, 128],
        epochs: 5,
        seed: 0,
    };
    while let Some(name) = words.next() {
        let value = words.next().expect("a value after every option");
        let number = || value.parse::<usize>().expect("a number");
        match name.as_str() {
            "--threads" => args.threads = number(),
            "--batch" => args.batch = number(),
            "--hidden" => {
                args.hidden = value.split(',').map(|size| size.parse().expect("a size")).collect()
            }
            "--epochs" => args.epochs = number(),
            "--seed" => args.seed = number() as u64,
            _ => panic!("unknown option {name}"),
        }
    }
    flush_denormals();
    // SAFETY: no other thread runs yet. candle reads the variable at every product, and if it is not set, asks the system
    // for the number of processors.
    unsafe { env::set_var("RAYON_NUM_THREADS", args.threads.to_string()) };
    rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads)
        .start_handler(|_| flush_denormals())
        .build_global()
        .expect("the pool is built once");
    args
}

/// Makes this thread treat denormal numbers as zeros, as the other peers do.
fn flush_denormals() {
    #[cfg(target_arch = "x86_64")]
    {
        const FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO: u32 = 0x8040;
        let mut control = 0_u32;
        // SAFETY: both instructions access the four bytes of `control` only. Rust promises nothing
        // about arithmetic under another MXCSR; what changes in practice is how denormals are
        // treated, which is what the comparison needs, and nothing outside it relies on this.
        unsafe {
            std::arch::asm!("stmxcsr [{}]", in(reg) &mut control, options(nostack));
            control |= FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO;
            std::arch::asm!("ldmxcsr [{}]", in(reg) &control, options(nostack));
        }
    }
}

/// Images, each a row of [`PIXELS`], and their classes.
pub struct Split {
    pub images: Vec<f32>,
    pub labels: Vec<i64>,
}

impl Split {
    /// Reads `train` or `t10k` from `FMNIST_DATA_DIR`, or from the repository.
    pub fn load(name: &str) -> Self {
        let dir = env::var_os("FMNIST_DATA_DIR").map_or(IN_REPOSITORY.into(), PathBuf::from);
        let read = |file: String, header: usize| {
            let file = fs::File::open(dir.join(file)).expect("the dataset in FMNIST_DATA_DIR");
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect("a gzip file");
            bytes.split_off(header)
        };
        let pixel = |byte: u8| (f32::from(byte) - 127.5) / 127.5;
        Self {
            images: read(format!("{name}-images-idx3-ubyte.gz"), 16)
                .into_iter()
                .map(pixel)
                .collect(),
            labels: read(format!("{name}-labels-idx1-ubyte.gz"), 8)
                .into_iter()
                .map(i64::from)
                .collect(),
        }
    }

    fn image(&self, row: usize) -> &[f32] {
        &self.images[row * PIXELS..][..PIXELS]
    }
}

/// Times `args.epochs` epochs of `step(images, labels)`, after one that is not counted.
pub fn train(args: &Args, mut step: impl FnMut(Vec<f32>, Vec<i64>)) -> Vec<f64> {
    let data = Split::load("train");
    let mut order: Vec<usize> = (0..data.labels.len()).collect();
    let mut random = args.seed;
    let mut seconds = Vec::new();
    for _ in 0..=args.epochs {
        let start = Instant::now();
        shuffle(&mut order, &mut random);
        for rows in order.chunks(args.batch) {
            let mut images = Vec::with_capacity(rows.len() * PIXELS);
            rows.iter().for_each(|&row| images.extend_from_slice(data.image(row)));
            step(images, rows.iter().map(|&row| data.labels[row]).collect());
        }
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.split_off(1)
}

/// The Fisher-Yates shuffle with the generator SplitMix64.
fn shuffle(order: &mut [usize], state: &mut u64) {
    for last in (1..order.len()).rev() {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        order.swap(last, ((z ^ (z >> 31)) % (last as u64 + 1)) as usize);
    }
}

/// Prints the result of a training; `predict` returns the logits of the test images.
pub fn report_training(
    peer: &str,
    version: &str,
    args: &Args,
    seconds: &[f64],
    predict: impl Fn(&[f32]) -> Vec<f32>,
) {
    let test = Split::load("t10k");
    let logits = predict(&test.images);
    let right = logits.chunks(CLASSES).zip(&test.labels).filter(|&(row, &label)| {
        let best = (0..CLASSES).max_by(|&a, &b| row[a].total_cmp(&row[b]));
        best == Some(label as usize)
    });
    let accuracy = right.count() as f64 / test.labels.len() as f64;
    report(
        peer,
        version,
        args,
        json!({ "batch": args.batch, "epoch_seconds": seconds, "test_accuracy": accuracy }),
    );
}

/// Times `predict` on the 10,000 test images at once and on one at a time; `input` is not timed.
pub fn infer<T>(
    peer: &str,
    version: &str,
    args: &Args,
    input: impl Fn(&[f32]) -> T,
    predict: impl Fn(&T) -> Vec<f32>,
) {
    let seconds = |input: &T| {
        let start = Instant::now();
        black_box(predict(input));
        start.elapsed().as_secs_f64()
    };
    let test = Split::load("t10k");
    let all = input(&test.images);
    let many: Vec<f64> = (0..35).map(|_| seconds(&all) * 1e3).skip(5).collect();
    let images: Vec<T> = test.images.chunks(PIXELS).map(input).collect();
    let mut one: Vec<f64> = images.iter().map(|image| seconds(image) * 1e6).skip(500).collect();
    one.sort_by(f64::total_cmp);
    let quantile = |q: usize| one[one.len() * q / 100];
    let one = json!({ "min": one[0], "median": quantile(50), "p99": quantile(99) });
    report(peer, version, args, json!({ "infer_10000_ms": many, "infer_1_us": one }));
}

/// Prints how long saving and loading a checkpoint took, in milliseconds.
pub fn report_checkpoint(peer: &str, version: &str, args: &Args, save: &[f64], load: &[f64]) {
    report(peer, version, args, json!({ "save_ms": save, "load_ms": load }));
}

fn report(peer: &str, version: &str, args: &Args, mut line: Value) {
    line["peer"] = peer.into();
    line["version"] = version.into();
    line["threads"] = args.threads.into();
    println!("{line}");
}
