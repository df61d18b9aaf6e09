//! burn on its CPU backend flex: modules, autodiff, and its Adam.

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor, TensorData};

const PEER: &str = "burn";
const VERSION: &str = "0.22.1";

#[derive(Module, Debug)]
struct Net {
    layers: Vec<Linear>,
}

impl Net {
    fn new(sizes: &[usize], device: &Device) -> Self {
        let layer = |pair: &[usize]| LinearConfig::new(pair[0], pair[1]).init(device);
        Self { layers: sizes.windows(2).map(layer).collect() }
    }

    fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        let (last, hidden) = self.layers.split_last().expect("an output layer");
        last.forward(hidden.iter().fold(images, |x, layer| relu(layer.forward(x))))
    }

    fn logits(&self, images: Tensor<2>) -> Vec<f32> {
        self.forward(images).into_data().try_to_vec().expect("f32")
    }
}

fn images(pixels: Vec<f32>, device: &Device) -> Tensor<2> {
    let rows = pixels.len() / peer::PIXELS;
    Tensor::from_data(TensorData::new(pixels, [rows, peer::PIXELS]), device)
}

fn main() {
    let args = peer::start();
    let plain = Device::flex();
    let device = plain.clone().autodiff();
    device.seed(args.seed);
    let mut net = Net::new(&args.sizes(), &device);

    if args.task == "infer" {
        let net = net.valid();
        let input = |pixels: &[f32]| images(pixels.to_vec(), &plain);
        return peer::infer(PEER, VERSION, &args, input, |images| net.logits(images.clone()));
    }

    let mut adam = AdamConfig::new().with_epsilon(1e-7).init();
    let loss = CrossEntropyLossConfig::new().init(&device);
    let seconds = peer::train(&args, |pixels, labels| {
        let count = labels.len();
        let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [count]), &device);
        let gradients = loss.forward(net.forward(images(pixels, &device)), labels).backward();
        let gradients = GradientsParams::from_grads(gradients, &net);
        net = adam.step(1e-3, net.clone(), gradients);
    });
    let net = net.valid();
    let predict = |pixels: &[f32]| net.logits(images(pixels.to_vec(), &plain));
    peer::report_training(PEER, VERSION, &args, &seconds, predict);
}
