//! Tensors: which a file has, and their way between floats and bytes. Section 4 of FORMAT.md.
//!
//! Bulk data never pass through serde: a tensor's length is known, checked and paid for before the
//! first of its bytes is looked at.

use std::ops::{Range, RangeFrom, RangeInclusive};

use nn_core::LayerSpec;
use nn_optim::Moment;

use crate::Error;

/// Bytes before a tensor's data.
pub(crate) const PREFIX_LEN: usize = 5;

/// What a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A part of the model's parameters.
    Parameters,
    /// A part of its running statistics.
    Statistics,
    /// One of the optimizer's, of all parameters, as the others are of all parameters or statistics.
    Moment,
    Average,
    BestParameters,
    BestStatistics,
}

/// A tensor that a file must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorSpec {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// In C order: the last varies fastest.
    pub(crate) shape: Vec<u64>,
    /// Elements, the product of the shape.
    pub(crate) len: usize,
    /// Which elements are of squares, and so never below 0.
    pub(crate) of_squares: Vec<Range<usize>>,
}

/// What a file holds beside the layers' own tensors: nothing, where no state of training is saved.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Contents<'a> {
    pub(crate) moments: &'a [Moment],
    /// Whether there is an average of the parameters.
    pub(crate) average: bool,
    /// Whether there are the parameters and statistics of the best epoch.
    pub(crate) best: bool,
}

impl TensorSpec {
    /// The bytes before the data: MessagePack's `bin 32` and its length, which the limit of the file
    /// keeps within 32 bits.
    pub(crate) fn prefix(&self) -> [u8; PREFIX_LEN] {
        let [.., a, b, c, d] = self.data_len().to_be_bytes();
        [0xC6, a, b, c, d]
    }

    /// Bytes of the data.
    fn data_len(&self) -> u64 {
        (self.len as u64).saturating_mul(4)
    }
}

/// The tensors of a network within the limits: its parameters, its running statistics, and what the file holds beside
/// them.
///
/// The names belong to the format, so those of layers are made here, and not where the network names its
/// parameters for people; those of moments, which nobody else shows, stand where the moments are.
pub(crate) fn tensor_specs(
    layers: &[LayerSpec],
    contents: Contents<'_>,
) -> Result<Vec<TensorSpec>, Error> {
    let n_params = nn_core::Model::parameter_count(layers).map_err(Error::Network)?;
    let (mut specs, mut statistics) = of_layers(layers);
    let variances = of_squares_in(&statistics);
    let n_statistics = statistics.iter().map(|spec| spec.len).fold(0, usize::saturating_add);
    specs.append(&mut statistics);
    for moment in contents.moments {
        let all = moment.of_squares.then_some(0..n_params);
        specs.push(column(moment.name.into(), Role::Moment, n_params, all));
    }
    if contents.average {
        specs.push(column("average.parameters".into(), Role::Average, n_params, None));
    }
    if contents.best {
        specs.push(column("best.parameters".into(), Role::BestParameters, n_params, None));
        if n_statistics > 0 {
            let tensor = column("best.statistics".into(), Role::BestStatistics, n_statistics, None);
            specs.push(TensorSpec { of_squares: variances, ..tensor });
        }
    }
    Ok(specs)
}

/// The tensors of the layers' parameters, and those of their running statistics.
fn of_layers(layers: &[LayerSpec]) -> (Vec<TensorSpec>, Vec<TensorSpec>) {
    let (mut params, mut statistics) = (Vec::new(), Vec::new());
    let (mut dense, mut layer_norms, mut batch_norms) =
        (Numbered(0..), Numbered(0..), Numbered(0..));
    let mut size = 0;
    for layer in layers {
        match *layer {
            LayerSpec::Dense { inputs, outputs } => {
                size = outputs;
                let [weights, biases] = dense.names("dense", ["weights", "biases"]);
                params.push(TensorSpec {
                    name: weights,
                    role: Role::Parameters,
                    shape: vec![inputs as u64, outputs as u64],
                    len: inputs.saturating_mul(outputs),
                    of_squares: Vec::new(),
                });
                params.push(column(biases, Role::Parameters, size, None));
            }
            LayerSpec::LayerNorm { .. } => {
                let names = layer_norms.names("layer_norm", ["scales", "shifts"]);
                params.extend(names.map(|name| column(name, Role::Parameters, size, None)));
            }
            LayerSpec::BatchNorm { .. } => {
                let [scales, shifts, means, variances] =
                    batch_norms.names("batch_norm", ["scales", "shifts", "means", "variances"]);
                params.push(column(scales, Role::Parameters, size, None));
                params.push(column(shifts, Role::Parameters, size, None));
                statistics.push(column(means, Role::Statistics, size, None));
                statistics.push(column(variances, Role::Statistics, size, Some(0..size)));
            }
            LayerSpec::Activation(_) | LayerSpec::Softmax | LayerSpec::Dropout { .. } => {}
        }
    }
    (params, statistics)
}

/// The layers of a kind, numbered as they come.
struct Numbered(RangeFrom<usize>);

impl Numbered {
    /// The names of the next one's tensors.
    fn names<const N: usize>(&mut self, kind: &str, parts: [&str; N]) -> [String; N] {
        let number = self.0.next().unwrap_or_default();
        parts.map(|part| format!("{kind}{number}.{part}"))
    }
}

/// A tensor of one dimension.
fn column(name: String, role: Role, len: usize, of_squares: Option<Range<usize>>) -> TensorSpec {
    let of_squares = of_squares.into_iter().collect();
    TensorSpec { name, role, shape: vec![len as u64], len, of_squares }
}

/// Where the variances are in the running statistics as a whole.
fn of_squares_in(tensors: &[TensorSpec]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0usize;
    for tensor in tensors {
        let end = start.saturating_add(tensor.len);
        if !tensor.of_squares.is_empty() {
            ranges.push(start..end);
        }
        start = end;
    }
    ranges
}

/// Bytes that tensors take in a file.
pub(crate) fn bytes_of(specs: &[TensorSpec]) -> u64 {
    let bytes = |spec: &TensorSpec| spec.data_len().saturating_add(PREFIX_LEN as u64);
    specs.iter().map(bytes).fold(0, u64::saturating_add)
}

/// Checks that every element may be in a file.
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

/// CRC-32 of the data as they stand in a file.
pub(crate) fn crc32(values: &[f32]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for_each_block(values, |bytes| hasher.update(bytes));
    hasher.finalize()
}

/// Gives the data as they stand in a file, in blocks that stay in the fastest cache.
pub(crate) fn for_each_block(values: &[f32], mut f: impl FnMut(&[u8])) {
    let mut block = [0; 4096];
    for values in values.chunks(block.len() / 4) {
        let (elements, _) = block.as_chunks_mut::<4>();
        for (bytes, value) in elements.iter_mut().zip(values) {
            *bytes = value.to_le_bytes();
        }
        f(block.get(..size_of_val(values)).unwrap_or_default());
    }
}

/// Overwrites `values` with the floats that `data`, of 4 bytes each, stand for.
pub(crate) fn read_into(values: &mut [f32], data: &[u8]) {
    let (elements, _) = data.as_chunks::<4>();
    for (value, bytes) in values.iter_mut().zip(elements) {
        *value = f32::from_le_bytes(*bytes);
    }
}

#[cfg(test)]
mod tests {
    use nn_core::{Init, Model};

    use super::*;

    /// The order in the file is the order of the parameters in memory.
    #[test]
    fn tensors_are_the_models_parameters() {
        let mut layers = LayerSpec::mlp(&[5, 4, 1, 3]);
        layers.insert(1, LayerSpec::BATCH_NORM);
        layers.insert(3, LayerSpec::LAYER_NORM);
        layers.insert(5, LayerSpec::BATCH_NORM);
        let model = Model::new(&layers, Init::He, 0).unwrap();
        let specs = tensor_specs(&layers, Contents::default()).unwrap();
        let mut offset = 0;
        for (spec, param) in specs.iter().zip(model.index()) {
            assert_eq!(spec.name, param.name);
            assert_eq!(offset..offset + spec.len, param.range);
            offset += spec.len;
        }
        assert_eq!(offset, model.params().len());
        // And behind the parameters, the statistics.
        let statistics = Model::statistics_index(&layers).unwrap();
        let mut offset = 0;
        for (spec, param) in specs[model.index().len()..].iter().zip(&statistics) {
            assert_eq!(spec.name, param.name);
            assert_eq!(offset..offset + spec.len, param.range);
            offset += spec.len;
        }
        assert_eq!(offset, model.statistics().len());
        assert_eq!(specs.len(), model.index().len() + statistics.len());
    }

    #[test]
    fn blocks_are_the_bytes_in_order() {
        for n in [0, 1, 1023, 1024, 1025, 5000] {
            let values: Vec<f32> = (0..n).map(|i| i as f32 - 0.5).collect();
            let expected: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            let mut found = Vec::new();
            for_each_block(&values, |bytes| found.extend_from_slice(bytes));
            assert_eq!(found, expected);
            assert_eq!(crc32(&values), crc32fast::hash(&expected));
            let mut back = vec![0.0; n];
            read_into(&mut back, &expected);
            assert_eq!(back, values);
        }
    }
}
