//! Model files on disks: reading and replacing one, locks, and directories of checkpoints. Sections 11 and 12 of
//! FORMAT.md.
//!
//! Reading order: `system` is the system calls that a save is made of, `temporary` a file on its way to its name,
//! `file` one whole file, `save` a checkpoint in it, `lock` who may save, `place` a name that a run saves to again and
//! again; then `output`, the file of a run, and `checkpoint_dir`.

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
