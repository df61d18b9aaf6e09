use nn_core::{Activation, Buffer, LayerSpec, Model};
use nn_io::{DatasetId, InputSpec, ModelInfo};
use proptest::collection::vec;
use proptest::prelude::*;

use super::finite;
use crate::fixture;

/// Any activation, dropout or normalisation, with settings within their ranges.
fn behind() -> impl Strategy<Value = LayerSpec> {
    let activation = LayerSpec::Activation;
    let epsilon = || 1e-37..1e38;
    prop_oneof![
        Just(LayerSpec::RELU),
        Just(LayerSpec::Softmax),
        (-1e6..1e6).prop_map(move |slope| activation(Activation::LeakyRelu { slope })),
        (-1e6..1e6).prop_map(move |alpha| activation(Activation::Elu { alpha })),
        Just(activation(Activation::Sigmoid)),
        Just(activation(Activation::Tanh)),
        Just(activation(Activation::Gelu)),
        Just(activation(Activation::Silu)),
        Just(activation(Activation::Linear)),
        (0.0..0.99998).prop_map(|rate| LayerSpec::Dropout { rate }),
        epsilon().prop_map(|epsilon| LayerSpec::LayerNorm { epsilon }),
        (1e-37..=1.0, epsilon())
            .prop_map(|(momentum, epsilon)| LayerSpec::BatchNorm { momentum, epsilon }),
    ]
}

/// Any small network of this many inputs: one to four dense layers, with up to three layers behind each.
pub(super) fn layers(inputs: usize) -> impl Strategy<Value = Vec<LayerSpec>> {
    vec((1..6usize, vec(behind(), 0..4)), 1..=4).prop_map(move |groups| {
        let (mut layers, mut inputs) = (Vec::new(), inputs);
        for (outputs, behind) in groups {
            layers.push(LayerSpec::Dense { inputs, outputs });
            layers.extend(behind);
            inputs = outputs;
        }
        layers
    })
}

/// A network of these layers, with any parameters and statistics.
pub(super) fn model(layers: Vec<LayerSpec>) -> impl Strategy<Value = Model> {
    let n = Model::parameter_count(&layers).unwrap();
    (vec(finite(), n), statistics(&layers)).prop_map(move |(params, statistics)| {
        let params = fixture::buffer(n, |i| params[i as usize]);
        Model::from_parts(&layers, params, statistics).unwrap()
    })
}

/// Any running statistics of these layers: no variance is below 0.
pub(super) fn statistics(layers: &[LayerSpec]) -> impl Strategy<Value = Buffer> + use<> {
    let index = Model::statistics_index(layers).unwrap();
    let n = index.last().map_or(0, |last| last.range.end);
    vec(finite(), n).prop_map(move |mut values| {
        for of_squares in index.iter().filter(|it| it.name.ends_with("variances")) {
            values[of_squares.range.clone()].iter_mut().for_each(|value| *value = value.abs());
        }
        fixture::buffer(n, |i| values[i as usize])
    })
}

/// A name of up to 63 characters, thus 252 bytes at most, that no terminal obeys.
fn name() -> impl Strategy<Value = String> {
    let obeyed = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let plain = any::<char>().prop_map(move |c| if obeyed(&c) { '鞄' } else { c });
    vec(prop_oneof![proptest::char::range(' ', '~'), plain], 1..=63)
        .prop_map(|chars| chars.into_iter().collect())
}

pub(super) fn info(
    width: usize,
    height: usize,
    classes: usize,
) -> impl Strategy<Value = ModelInfo> {
    let std = proptest::num::f32::POSITIVE | proptest::num::f32::NORMAL;
    let input = (finite(), std, any::<bool>()).prop_map(move |(mean, std, mirror)| InputSpec {
        width,
        height,
        mean,
        std,
        mirror,
    });
    let digits = vec(proptest::sample::select(b"0123456789abcdef".to_vec()), 64);
    let dataset = (name(), digits)
        .prop_map(|(name, digits)| DatasetId { name, sha256: String::from_utf8(digits).unwrap() });
    (name(), name(), input, vec(name(), classes), dataset, any::<usize>()).prop_map(
        |(producer, instruction_set, input, class_names, dataset, n_validation)| ModelInfo {
            producer,
            instruction_set,
            input,
            class_names,
            dataset,
            n_validation,
        },
    )
}
