//! The instruction set of the kernels: the best that the processor has, unless the caller selects another.

use std::sync::OnceLock;

use pulp::Arch;

/// An instruction set that the kernels are compiled for.
///
/// Results are bit-for-bit identical on all machines that use the same instruction set, with any number of threads, if
/// the system's `exp` and `ln`, which softmax uses, are also the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstructionSet {
    /// x86-64 with AVX-512 (F, BW, CD, DQ, VL): 16 numbers at once.
    Avx512,
    /// x86-64 with AVX2 and FMA: 8 numbers at once.
    Avx2,
    /// 64-bit Arm: 4 numbers at once.
    Neon,
    /// Any processor: one number at a time.
    Portable,
}

/// The instruction set in use, once a kernel has run or the caller has selected one.
static CHOSEN: OnceLock<Arch> = OnceLock::new();

/// The instruction set in use. The first call selects the best one.
pub(super) fn arch() -> Arch {
    *CHOSEN.get_or_init(Arch::new)
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
        match arch() {
            #[cfg(target_arch = "x86_64")]
            Arch::V4(_) => Self::Avx512,
            #[cfg(target_arch = "x86_64")]
            Arch::V3(_) => Self::Avx2,
            #[cfg(target_arch = "aarch64")]
            Arch::Neon(_) => Self::Neon,
            _ => Self::Portable,
        }
    }

    /// Selects this instruction set for all kernels of this process. Returns whether they now use it. They do not if
    /// the processor lacks it, or if a different one is already in use.
    pub fn choose(self) -> bool {
        if let Some(arch) = self.arch() {
            CHOSEN.get_or_init(|| arch);
        }
        Self::current() == self
    }

    /// The handle that runs kernels with this instruction set; `None` if the processor lacks it.
    pub(super) fn arch(self) -> Option<Arch> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => pulp::x86::V4::try_new().map(Arch::V4),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => pulp::x86::V3::try_new().map(Arch::V3),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => pulp::aarch64::Neon::try_new().map(Arch::Neon),
            Self::Portable => Some(Arch::Scalar),
            #[allow(unreachable_patterns, reason = "the sets of other processors")]
            _ => None,
        }
    }
}
