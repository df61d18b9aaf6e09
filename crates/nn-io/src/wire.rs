//! What stands in a file, a module for each kind of it: its private serde type, and the conversions from and to the
//! types of the other crates, with all rules of that kind. Sections 2 to 4, 7 and 8 of FORMAT.md.
//!
//! Reading order: `header`, then `metadata`, which is made of `info`, `layer`, `training` and `tensor`; of a training,
//! `optimizer`, `schedule`, `config` and `history`. `form` and `pack` have what they share.

pub(crate) mod header;
pub(crate) mod history;
pub(crate) mod metadata;
pub(crate) mod tensor;

mod config;
mod form;
mod identify;
mod info;
pub(crate) mod layer;
mod optimizer;
mod pack;
mod schedule;
pub(crate) mod training;
