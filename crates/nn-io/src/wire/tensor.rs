//! Tensors: which ones a file has, and their conversion between floats and bytes. Section 4 of FORMAT.md.
//!
//! The data of tensors never pass through serde. The length of a tensor is known and checked, and its memory allocated,
//! before its first byte is read.

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};

use bytemuck::{must_cast_slice, must_cast_slice_mut};
use nn_core::Architecture;
use nn_optim::{Moment, OptimizerConfig};
use nn_train::RunConfig;
use nn_train::decision::{DecisionShape, triangle};
use serde::{Deserialize, Serialize};

use super::form::list;
use crate::error::check_value;
use crate::{Error, limits};

/// The number of bytes before a tensor's data.
pub(crate) const PREFIX_LEN: usize = 5;

/// The metadata of a tensor.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tensor {
    name: String,
    #[serde(deserialize_with = "list::<_, _, 2>")]
    shape: Vec<u64>,
    pub(super) crc32: u32,
}

impl Tensor {
    pub(super) fn new(spec: &TensorSpec, values: &[f32]) -> Self {
        Self {
            name: spec.name.clone(),
            shape: spec.shape.clone(),
            crc32: crc32fast::hash(&data(values)),
        }
    }

    /// Checks that the metadata have exactly these tensors.
    pub(super) fn check_all(found: &[Self], expected: &[TensorSpec]) -> Result<(), Error> {
        let names = format!("{} tensors, as layers and training need", expected.len());
        check_value(found.len() == expected.len(), "tensors", names, found.len())?;
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let same = found.name == expected.name && found.shape == expected.shape;
            let found = format!("\"{}\" of shape {:?}", found.name, found.shape);
            let expected = format!("\"{}\" of shape {:?}", expected.name, expected.shape);
            check_value(same, format!("tensors[{i}]"), expected, found)?;
        }
        Ok(())
    }
}

/// The kind of data in a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A part of the model's parameters.
    Parameters,
    /// A part of the model's running statistics.
    Statistics,
    /// One of the optimizer's moments. Like the roles below, it is one tensor for all parameters or statistics.
    Moment,
    Average,
    BestParameters,
    BestStatistics,
    /// One of the buffers of a decision.
    Decision,
}

/// A tensor that a file must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorSpec {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// In C order: the last index varies fastest.
    shape: Vec<u64>,
    /// The number of elements, which is the product of the shape.
    pub(crate) len: usize,
    /// The elements that are sums or means of squares, and so never negative.
    of_squares: Vec<Range<usize>>,
}

/// The tensors of a file in addition to those of the layers; none if it has no training state.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Contents {
    pub(crate) moments: &'static [Moment],
    /// Whether there is an average of the parameters.
    pub(crate) average: bool,
    /// Whether there are the parameters and statistics of the best epoch.
    pub(crate) best: bool,
    /// The lengths of the decision, if there is one.
    pub(crate) decision: Option<DecisionShape>,
}

impl Contents {
    /// The contents for a run. `has_epoch` is whether an epoch is complete, since the first epoch is the best so far.
    pub(crate) fn of(optimizer: &OptimizerConfig, config: &RunConfig, has_epoch: bool) -> Self {
        Self {
            moments: optimizer.moments(),
            average: config.averaging.is_some(),
            best: config.keep_best && has_epoch,
            decision: None,
        }
    }
}

impl TensorSpec {
    /// The tensor of a layer.
    fn of_layer(tensor: &nn_core::TensorSpec) -> Self {
        let nn_core::TensorSpec { name, role, shape, range, .. } = tensor;
        let is_of_squares = *role == nn_core::Role::RunningVariance;
        Self {
            name: name.clone(),
            role: if role.is_statistic() { Role::Statistics } else { Role::Parameters },
            shape: shape.iter().map(|&n| n as u64).collect(),
            len: range.len(),
            of_squares: is_of_squares.then_some(0..range.len()).into_iter().collect(),
        }
    }

    /// A tensor for all parameters or all running statistics.
    fn flat(name: &str, role: Role, len: usize, of_squares: Vec<Range<usize>>) -> Self {
        Self { name: name.into(), role, shape: vec![len as u64], len, of_squares }
    }

    /// The bytes before the data: MessagePack's `bin 32` and the length. The limit on tensors keeps the length within 32
    /// bits.
    pub(crate) fn prefix(&self) -> [u8; PREFIX_LEN] {
        let [.., a, b, c, d] = self.data_len().to_be_bytes();
        [0xC6, a, b, c, d]
    }

    /// The number of bytes of the data.
    pub(crate) fn data_len(&self) -> u64 {
        (self.len as u64).saturating_mul(4)
    }
}

/// The tensors of a network: its parameters, its running statistics, and the other contents.
pub(crate) fn tensor_specs(architecture: &Architecture, contents: Contents) -> Vec<TensorSpec> {
    let (n_params, n_statistics) = (architecture.n_params(), architecture.n_statistics());
    let mut specs: Vec<_> = architecture.tensors().iter().map(TensorSpec::of_layer).collect();
    for moment in contents.moments {
        let of_squares = moment.of_squares.then_some(0..n_params).into_iter().collect();
        specs.push(TensorSpec::flat(moment.name, Role::Moment, n_params, of_squares));
    }
    if contents.average {
        specs.push(TensorSpec::flat("average.parameters", Role::Average, n_params, vec![]));
    }
    if contents.best {
        specs.push(TensorSpec::flat("best.parameters", Role::BestParameters, n_params, vec![]));
        if n_statistics > 0 {
            let is_variance = |it: &&nn_core::TensorSpec| it.role == nn_core::Role::RunningVariance;
            let variances = architecture.tensors().iter().filter(is_variance);
            let variances = variances.map(|it| it.range.clone()).collect();
            let role = Role::BestStatistics;
            specs.push(TensorSpec::flat("best.statistics", role, n_statistics, variances));
        }
    }
    if let Some(DecisionShape { classes, image, features }) = contents.decision {
        specs.extend(of_distance("image", classes, image));
        specs.extend(features.into_iter().flat_map(|n| of_distance("feature", classes, n)));
    }
    specs
}

/// The tensors of a distance of a decision, whose vectors have `n` elements.
fn of_distance(name: &str, classes: usize, n: usize) -> [TensorSpec; 2] {
    let centres = TensorSpec {
        shape: vec![classes as u64, n as u64],
        ..TensorSpec::flat(
            &format!("decision.{name}_centres"),
            Role::Decision,
            classes.saturating_mul(n),
            vec![],
        )
    };
    let name = format!("decision.{name}_whitening");
    [centres, TensorSpec::flat(&name, Role::Decision, triangle(n), vec![])]
}

/// The number of bytes that tensors take in a file.
pub(crate) fn bytes_of<'a>(specs: impl IntoIterator<Item = &'a TensorSpec>) -> u64 {
    let bytes = |spec: &TensorSpec| spec.data_len().saturating_add(PREFIX_LEN as u64);
    specs.into_iter().map(bytes).fold(0, u64::saturating_add)
}

/// Checks that the tensors are within the limit on their length.
pub(crate) fn check_lens(specs: &[TensorSpec]) -> Result<(), Error> {
    match specs.iter().find(|spec| spec.data_len() > limits::TENSOR) {
        None => Ok(()),
        Some(spec) => Err(Error::Limit {
            what: format!("bytes of the tensor {}", spec.name),
            limit: limits::TENSOR,
            found: spec.data_len(),
        }),
    }
}

/// Checks that every element is valid in a file.
pub(crate) fn check_elements(spec: &TensorSpec, values: &[f32]) -> Result<(), Error> {
    let (finite, of_squares) = (f32::MIN..=f32::MAX, 0.0..=f32::MAX);
    // Without an early exit, which would keep the loops from being vectorised.
    let all = |values: &[f32], valid: &RangeInclusive<f32>| {
        values.iter().fold(true, |all, x| all & valid.contains(x))
    };
    let squares = spec.of_squares.iter().filter_map(|range| values.get(range.clone()));
    if all(values, &finite) && squares.fold(true, |valid, values| valid & all(values, &of_squares))
    {
        return Ok(());
    }
    for (element, &found) in values.iter().enumerate() {
        let (valid, expected) = match spec.of_squares.iter().any(|range| range.contains(&element)) {
            true => (&of_squares, "a finite number, 0 or above"),
            false => (&finite, "a finite number"),
        };
        if !valid.contains(&found) {
            return Err(Error::Element { tensor: spec.name.clone(), element, expected, found });
        }
    }
    Ok(())
}

/// The data as they are in a file: little-endian floats, 4 bytes each.
pub(crate) fn data(values: &[f32]) -> Cow<'_, [u8]> {
    match cfg!(target_endian = "little") {
        true => Cow::Borrowed(must_cast_slice(values)),
        false => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

/// Overwrites `values` with the floats in `data`.
pub(crate) fn read_into(values: &mut [f32], data: &[u8]) {
    if let Some(bytes) = must_cast_slice_mut::<_, u8>(values).get_mut(..data.len()) {
        bytes.copy_from_slice(data);
    }
    if cfg!(target_endian = "big") {
        for value in values {
            *value = f32::from_bits(value.to_bits().swap_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_little_endian_floats_in_order() {
        let values = [1.0, -0.0, f32::MIN_POSITIVE];
        let expected = [0, 0, 0x80, 0x3f, 0, 0, 0, 0x80, 0, 0, 0x80, 0];
        assert_eq!(*data(&values), expected);
        let mut back = [0.0; 3];
        read_into(&mut back, &expected);
        assert_eq!(back.map(f32::to_bits), values.map(f32::to_bits));
    }
}
