//! The parts of a file, one module for each kind: its private serde type, the conversions from and to the types of the
//! other crates, and all rules of that kind. Sections 2 to 4, 7 and 8 of FORMAT.md.
//!
//! Reading order: `header`; `metadata`, which consists of `info`, `layer`, `training` and `tensor`; the parts of
//! `training`, which are `optimizer`, `schedule`, `config` and `history`. `form` and `pack` have shared functions.

pub(crate) mod header;
pub(crate) mod history;
pub(crate) mod metadata;
pub(crate) mod tensor;

mod config;
mod form;
mod identify;
pub(crate) mod info;
pub(crate) mod layer;
mod optimizer;
mod pack;
mod schedule;
pub(crate) mod training;
