//! candle on the CPU: `Linear` layers, autodiff, and its AdamW without decay, which is Adam.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::loss::cross_entropy;
use candle_nn::{AdamW, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap};

const PEER: &str = "candle";
const VERSION: &str = "0.11.1";

struct Net(Vec<Linear>);

impl Net {
    fn new(sizes: &[usize], variables: &VarBuilder<'_>) -> Result<Self> {
        let layer = |(index, pair): (usize, &[usize])| {
            candle_nn::linear(pair[0], pair[1], variables.pp(index))
        };
        sizes.windows(2).enumerate().map(layer).collect::<Result<_>>().map(Self)
    }

    /// The same weights, without the graph for gradients.
    fn detached(&self) -> Self {
        let detach =
            |layer: &Linear| Linear::new(layer.weight().detach(), layer.bias().map(Tensor::detach));
        Self(self.0.iter().map(detach).collect())
    }

    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let (last, hidden) = self.0.split_last().expect("an output layer");
        let x = hidden.iter().try_fold(images.clone(), |x, layer| layer.forward(&x)?.relu())?;
        last.forward(&x)
    }

    fn logits(&self, images: &Tensor) -> Vec<f32> {
        let logits = self.forward(images).and_then(|logits| logits.flatten_all()?.to_vec1());
        logits.expect("the shapes fit")
    }
}

fn images(pixels: Vec<f32>) -> Tensor {
    let rows = pixels.len() / peer::PIXELS;
    Tensor::from_vec(pixels, (rows, peer::PIXELS), &Device::Cpu).expect("the shapes fit")
}

fn main() -> Result<()> {
    let args = peer::start();
    let variables = VarMap::new();
    let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    let net = Net::new(&args.sizes(), &builder)?;
    let input = |pixels: &[f32]| images(pixels.to_vec());

    if args.task == "infer" {
        let net = net.detached();
        peer::infer(PEER, VERSION, &args, input, |images| net.logits(images));
        return Ok(());
    }

    let settings = ParamsAdamW { lr: 1e-3, eps: 1e-7, weight_decay: 0.0, ..Default::default() };
    let mut adam = AdamW::new(variables.all_vars(), settings)?;
    let mut step = |pixels, labels: Vec<i64>| {
        let labels = Tensor::new(labels, &Device::Cpu)?;
        adam.backward_step(&cross_entropy(&net.forward(&images(pixels))?, &labels)?)
    };
    let seconds =
        peer::train(&args, |pixels, labels| step(pixels, labels).expect("the shapes fit"));
    peer::report_training(PEER, VERSION, &args, &seconds, |pixels| net.logits(&input(pixels)));
    Ok(())
}
