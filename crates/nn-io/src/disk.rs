//! Model files on disks: reading and replacing one, locks, and directories of checkpoints. Sections 11 and 12 of
//! FORMAT.md.
//!
//! Reading order: `system`, the system calls of a save; `temporary`, temporary files; `file`, reading and replacing a
//! file; `save`, saving and loading a checkpoint; `lock`, who may save; `place`, a path that a run saves to repeatedly;
//! `output`, the output file of a run; `checkpoint_dir`, its directory of checkpoints.

pub(crate) mod checkpoint_dir;
pub(crate) mod file;
pub(crate) mod lock;
pub(crate) mod output;
pub(crate) mod place;
mod save;
pub(crate) mod system;
pub(crate) mod temporary;

#[cfg(test)]
pub(crate) mod simulated;
