//! Three parts of a neural network, for you to write: a dense layer, a loss and Adam.
//!
//! Start with `dense.rs`, and replace each "Your code here". The tests compare your numbers with those of nn-core and
//! nn-optim:
//!
//! ```text
//! cargo test --manifest-path exercises/Cargo.toml --test dense
//! ```
//!
//! The other two tests are `loss` and `adam`; a fourth, `together`, trains a classifier with all three.
//!
//! A matrix is a slice, row by row. A batch has one row for each sample, as in the book.

#[cfg_attr(feature = "solutions", path = "../solutions/adam.rs")]
pub mod adam;
#[cfg_attr(feature = "solutions", path = "../solutions/dense.rs")]
pub mod dense;
#[cfg_attr(feature = "solutions", path = "../solutions/loss.rs")]
pub mod loss;
