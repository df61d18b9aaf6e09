//! A solution of exercise 1: a dense layer, forward and backward.

/// A dense layer: `outputs = inputs * weights + biases`.
pub struct Dense {
    pub n_inputs: usize,
    pub n_outputs: usize,
    /// `n_inputs` rows of `n_outputs` weights.
    pub weights: Vec<f32>,
    /// One for each output.
    pub biases: Vec<f32>,
}

/// The gradients of the loss. Each has the shape of what it is the gradient with respect to.
pub struct Gradients {
    pub weights: Vec<f32>,
    pub biases: Vec<f32>,
    pub inputs: Vec<f32>,
}

impl Dense {
    /// The outputs for a batch: one row of `n_outputs` for each row of `n_inputs`.
    pub fn forward(&self, inputs: &[f32]) -> Vec<f32> {
        let mut outputs = Vec::new();
        for x in inputs.chunks(self.n_inputs) {
            let mut y = self.biases.clone();
            for (x, weights) in x.iter().zip(self.weights.chunks(self.n_outputs)) {
                for (y, weight) in y.iter_mut().zip(weights) {
                    *y += x * weight;
                }
            }
            outputs.extend(y);
        }
        outputs
    }

    /// The gradients for the batch that went forward, from the gradient with respect to its outputs.
    pub fn backward(&self, inputs: &[f32], d_outputs: &[f32]) -> Gradients {
        let mut weights = vec![0.0; self.weights.len()];
        let mut biases = vec![0.0; self.biases.len()];
        let mut d_inputs = Vec::new();
        // Every sample uses the same weights and biases, so their gradients are sums over the samples.
        for (x, dy) in inputs.chunks(self.n_inputs).zip(d_outputs.chunks(self.n_outputs)) {
            for (d_bias, dy) in biases.iter_mut().zip(dy) {
                *d_bias += dy;
            }
            for (x, d_weights) in x.iter().zip(weights.chunks_mut(self.n_outputs)) {
                for (d_weight, dy) in d_weights.iter_mut().zip(dy) {
                    *d_weight += x * dy;
                }
            }
            for weights in self.weights.chunks(self.n_outputs) {
                d_inputs.push(weights.iter().zip(dy).map(|(weight, dy)| weight * dy).sum());
            }
        }
        Gradients { weights, biases, inputs: d_inputs }
    }
}
