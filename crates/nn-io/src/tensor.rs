//! Tensors: which a file has, and their way between floats and bytes. Section 4 of FORMAT.md.
//!
//! Bulk data never pass through serde: a tensor's length is known, checked and paid for before the
//! first of its bytes is looked at.

use nn_core::LayerSpec;
use nn_optim::Moment;

use crate::Error;

/// Bytes before a tensor's data.
pub(crate) const PREFIX_LEN: usize = 5;

/// What a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Parameters,
    Moment(Moment),
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

/// The tensors of a network within the limits, in the order of its parameters, and behind them the
/// optimizer's moments, of which there are none where no state of training is saved.
///
/// The names belong to the format, so those of layers are made here, and not where the network names its
/// parameters for people; those of moments, which nobody else shows, stand where the moments are.
pub(crate) fn tensor_specs(
    layers: &[LayerSpec],
    moments: &[Moment],
) -> Result<Vec<TensorSpec>, Error> {
    let n_params = nn_core::Model::parameter_count(layers).map_err(Error::Network)?;
    let dense = layers.iter().filter_map(|layer| match *layer {
        LayerSpec::Dense { inputs, outputs } => Some((inputs, outputs)),
        LayerSpec::Relu | LayerSpec::Softmax => None,
    });
    let mut specs = Vec::new();
    for (i, (inputs, outputs)) in dense.enumerate() {
        specs.push(TensorSpec {
            name: format!("dense{i}.weights"),
            role: Role::Parameters,
            shape: vec![inputs as u64, outputs as u64],
            len: inputs.saturating_mul(outputs),
        });
        specs.push(TensorSpec {
            name: format!("dense{i}.biases"),
            role: Role::Parameters,
            shape: vec![outputs as u64],
            len: outputs,
        });
    }
    specs.extend(moments.iter().map(|&moment| TensorSpec {
        name: moment.name.into(),
        role: Role::Moment(moment),
        shape: vec![n_params as u64],
        len: n_params,
    }));
    Ok(specs)
}

/// Bytes that tensors take in a file.
pub(crate) fn bytes_of(specs: &[TensorSpec]) -> u64 {
    let bytes = |spec: &TensorSpec| spec.data_len().saturating_add(PREFIX_LEN as u64);
    specs.iter().map(bytes).fold(0, u64::saturating_add)
}

/// Checks that every element may be in a file.
pub(crate) fn check_elements(spec: &TensorSpec, values: &[f32]) -> Result<(), Error> {
    let (valid, expected) = match spec.role {
        Role::Moment(moment) if moment.of_squares => {
            (0.0..=f32::MAX, "a finite number, 0 or above")
        }
        Role::Parameters | Role::Moment(_) => (f32::MIN..=f32::MAX, "a finite number"),
    };
    // Without an early exit, which would keep the loop from being vectorised.
    if values.iter().fold(true, |all, x| all & valid.contains(x)) {
        return Ok(());
    }
    let mut elements = values.iter().copied().enumerate();
    match elements.find(|(_, x)| !valid.contains(x)) {
        None => Ok(()),
        Some((element, found)) => {
            Err(Error::Element { tensor: spec.name.clone(), element, expected, found })
        }
    }
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
        let layers = LayerSpec::mlp(&[5, 4, 1, 3]);
        let model = Model::new(&layers, Init::He, 0).unwrap();
        let specs = tensor_specs(&layers, &[]).unwrap();
        let mut offset = 0;
        for (spec, param) in specs.iter().zip(model.index()) {
            assert_eq!(spec.name, param.name);
            assert_eq!(offset..offset + spec.len, param.range);
            offset += spec.len;
        }
        assert_eq!((specs.len(), offset), (model.index().len(), model.params().len()));
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
