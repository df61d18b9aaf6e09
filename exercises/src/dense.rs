//! Exercise 1: a dense layer, forward and backward. Chapters 3 and 9 of the book.

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
        let n_samples = inputs.len() / self.n_inputs;
        // Your code here.
        vec![0.0; n_samples * self.n_outputs]
    }

    /// The gradients for the batch that went forward, from the gradient with respect to its outputs.
    pub fn backward(&self, inputs: &[f32], d_outputs: &[f32]) -> Gradients {
        // Your code here.
        assert_eq!(inputs.len() / self.n_inputs, d_outputs.len() / self.n_outputs);
        Gradients {
            weights: vec![0.0; self.weights.len()],
            biases: vec![0.0; self.biases.len()],
            inputs: vec![0.0; inputs.len()],
        }
    }
}
