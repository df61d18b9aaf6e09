use nn_core::{
    Activation, Architecture, BatchNorm, Buffer, Layer, LayerNorm, Model, Role, Scaling, Shape,
};
use nn_io::{DatasetId, InputSpec, ModelInfo, Preparation};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::finite;
use crate::fixture;

/// Any activation, dropout or normalisation, with settings within their ranges.
fn other_layer() -> impl Strategy<Value = Layer> {
    let activation = Layer::Activation;
    let epsilon = || 1e-37..1e38;
    prop_oneof![
        Just(Layer::RELU),
        Just(Layer::SOFTMAX),
        (-1e6..1e6).prop_map(move |slope| activation(Activation::LeakyRelu { slope })),
        (-1e6..1e6).prop_map(move |alpha| activation(Activation::Elu { alpha })),
        Just(activation(Activation::Sigmoid)),
        Just(activation(Activation::Tanh)),
        Just(activation(Activation::Gelu)),
        Just(activation(Activation::Silu)),
        Just(activation(Activation::Linear)),
        (0.0..0.99998).prop_map(Layer::dropout),
        epsilon().prop_map(|epsilon| Layer::LayerNorm(LayerNorm { epsilon })),
        (1e-37..=1.0, epsilon())
            .prop_map(|(momentum, epsilon)| Layer::BatchNorm(BatchNorm { momentum, epsilon })),
    ]
}

/// Any small network with this many inputs: one to four dense layers, with up to three other layers after each.
pub(super) fn architecture(inputs: usize) -> impl Strategy<Value = Architecture> {
    vec((1..6usize, vec(other_layer(), 0..4)), 1..=4).prop_map(move |groups| {
        let mut layers = Vec::new();
        for (outputs, others) in groups {
            layers.push(Layer::dense(outputs));
            layers.extend(others);
        }
        Architecture::new(inputs, &layers).unwrap()
    })
}

/// A network of this architecture, with any parameters and statistics.
pub(super) fn model(architecture: Architecture) -> impl Strategy<Value = Model> {
    let n = architecture.n_params();
    (vec(finite(), n), statistics(&architecture)).prop_map(move |(params, statistics)| {
        let params = fixture::buffer(n, |i| params[i as usize]);
        Model::from_parts(architecture.clone(), params, statistics).unwrap()
    })
}

/// Any running statistics of this architecture. No variance is negative.
pub(super) fn statistics(architecture: &Architecture) -> impl Strategy<Value = Buffer> + use<> {
    let (n, tensors) = (architecture.n_statistics(), architecture.tensors().to_vec());
    vec(finite(), n).prop_map(move |mut values| {
        for variances in tensors.iter().filter(|it| it.role == Role::RunningVariance) {
            values[variances.range.clone()].iter_mut().for_each(|value| *value = value.abs());
        }
        fixture::buffer(n, |i| values[i as usize])
    })
}

/// A name of up to 63 characters, and so at most 252 bytes, that does not command a terminal.
fn name() -> impl Strategy<Value = String> {
    let is_command = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let plain = any::<char>().prop_map(move |c| if is_command(&c) { '鞄' } else { c });
    vec(prop_oneof![proptest::char::range(' ', '~'), plain], 1..=63)
        .prop_map(|chars| chars.into_iter().collect())
}

pub(super) fn info(shape: Shape, classes: usize) -> impl Strategy<Value = ModelInfo> {
    let image = of(Just(shape));
    let std = proptest::num::f32::POSITIVE | proptest::num::f32::NORMAL;
    let scaling = of((finite(), std).prop_map(|(mean, std)| Scaling { mean, std }));
    let preparations = vec![Preparation::Garment, Preparation::Ink, Preparation::Plain];
    let preparation = of(select(preparations));
    let input = (image, scaling, any::<bool>(), preparation).prop_map(
        |(image, scaling, mirror, preparation)| {
            let mirror = mirror && image.is_some();
            InputSpec {
                image,
                scaling,
                mirror,
                preparation: preparation.filter(|_| image.is_some()),
            }
        },
    );
    let digits = vec(select(b"0123456789abcdef".to_vec()), 64);
    let dataset = (name(), digits, of(name()), any::<bool>()).prop_map(
        |(name, digits, directory, transposed)| DatasetId {
            name,
            sha256: String::from_utf8(digits).unwrap(),
            directory,
            transposed,
        },
    );
    let class_names = prop_oneof![3 => vec(name(), classes), 1 => Just(Vec::new())];
    (name(), name(), input, class_names, of(dataset), any::<usize>()).prop_map(
        |(producer, instruction_set, input, class_names, dataset, n_validation)| ModelInfo {
            producer,
            instruction_set,
            input,
            class_names,
            dataset,
            n_validation,
            decision: None,
        },
    )
}
