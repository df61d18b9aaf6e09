//! The instruction set and the arithmetic of the kernels: the best that the processor has, unless the caller selects
//! others.

use std::sync::OnceLock;

use pulp::Arch;

/// An instruction set that the kernels are compiled for.
///
/// It does not affect results: they are bit-for-bit identical on all machines with the same [`Arithmetic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstructionSet {
    /// x86-64 with AVX-512 (F, BW, CD, DQ, VL): 16 numbers at once.
    Avx512,
    /// x86-64 with AVX2 and FMA: 8 numbers at once.
    Avx2,
    /// 64-bit Arm: 4 numbers at once.
    Neon,
    /// Any processor: 4 numbers at once with SSE2, which every x86-64 has, or with WebAssembly's SIMD128.
    Portable,
}

/// How a matrix product rounds.
///
/// Results are bit-for-bit identical on all processors and systems that use the same arithmetic, with any number of
/// threads. All other operations are the same in both: additions, multiplications, divisions and square roots that are
/// rounded as IEEE 754 says, in an order that no machine changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// A product and the sum that it is added to are rounded once, together. It needs a processor with fused
    /// multiply-add: AVX-512, AVX2 or NEON.
    Fused,
    /// The product is rounded, and then the sum. Every processor can compute it.
    Plain,
}

/// The instruction set in use, once a kernel has run or the caller has selected one.
static SET: OnceLock<(InstructionSet, Arch)> = OnceLock::new();

/// The arithmetic in use, likewise.
static ARITHMETIC: OnceLock<Arithmetic> = OnceLock::new();

/// The arithmetic in use. The first call selects the best one.
pub(super) fn arithmetic() -> Arithmetic {
    *ARITHMETIC.get_or_init(|| InstructionSet::current().arithmetic())
}

/// The handle that runs loops with the instruction set in use. The first call selects the best one.
pub(super) fn arch() -> Arch {
    chosen().1
}

fn chosen() -> (InstructionSet, Arch) {
    *SET.get_or_init(|| {
        let mut sets = InstructionSet::ALL.into_iter();
        let best = sets.find_map(|set| Some((set, set.arch()?)));
        best.unwrap_or((InstructionSet::Portable, Arch::Scalar))
    })
}

impl InstructionSet {
    /// All instruction sets, the best first.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::Neon, Self::Portable];

    /// Its name: `avx512`, `avx2`, `neon` or `portable`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    /// The instruction set that the kernels use: the best that the processor has, unless [`InstructionSet::choose`]
    /// selected another.
    pub fn current() -> Self {
        chosen().0
    }

    /// Selects this instruction set for all kernels of nn-core in this process. (The optimizers' loops, which are
    /// element-wise, always use the best.) Returns whether they now use it. They do not if the processor lacks it, or if a
    /// different one is already in use.
    pub fn choose(self) -> bool {
        if let Some(arch) = self.arch() {
            SET.get_or_init(|| (self, arch));
        }
        Self::current() == self
    }

    /// Whether it has this arithmetic. All have plain, and all except the portable one have fused.
    pub fn has(self, arithmetic: Arithmetic) -> bool {
        arithmetic == Arithmetic::Plain || self != Self::Portable
    }

    /// The best arithmetic that it has.
    fn arithmetic(self) -> Arithmetic {
        if self.has(Arithmetic::Fused) { Arithmetic::Fused } else { Arithmetic::Plain }
    }

    /// The handle that runs loops with this instruction set; `None` if the processor lacks it.
    pub(super) fn arch(self) -> Option<Arch> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => pulp::x86::V4::try_new().map(Arch::V4),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => pulp::x86::V3::try_new().map(Arch::V3),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => pulp::aarch64::Neon::try_new().map(Arch::Neon),
            #[cfg(target_family = "wasm")]
            Self::Portable => Some(Arch::new()),
            #[cfg(not(target_family = "wasm"))]
            Self::Portable => Some(Arch::Scalar),
            #[allow(unreachable_patterns, reason = "the sets of other processors")]
            _ => None,
        }
    }
}

impl Arithmetic {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Fused, Self::Plain];

    /// Its name: `fused` or `plain`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fused => "fused",
            Self::Plain => "plain",
        }
    }

    /// The arithmetic that the kernels use or, if none has run and none was selected, will use: fused if the instruction
    /// set has it.
    pub fn current() -> Self {
        let best = || InstructionSet::current().arithmetic();
        ARITHMETIC.get().copied().unwrap_or_else(best)
    }

    /// Selects this arithmetic for all kernels of this process. Returns whether they now use it. They do not if the
    /// instruction set lacks it, or if the other one is already in use.
    ///
    /// A process keeps its arithmetic: the one that was selected here first or, if anything was computed before, even a
    /// single prediction, the default. To compute in both, use two processes.
    pub fn choose(self) -> bool {
        if InstructionSet::current().has(self) {
            ARITHMETIC.get_or_init(|| self);
        }
        Self::current() == self
    }
}
