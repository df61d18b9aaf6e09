//! A solution of exercise 3: Adam.

/// Adam with the book's settings, and what it remembers between steps.
pub struct Adam {
    pub learning_rate: f32,
    pub beta_1: f32,
    pub beta_2: f32,
    pub epsilon: f32,
    /// Steps taken so far.
    pub step: i32,
    /// The running mean of the gradient, one number for each parameter.
    pub m: Vec<f32>,
    /// The running mean of the gradient's square.
    pub v: Vec<f32>,
}

impl Adam {
    pub fn new(learning_rate: f32, n_params: usize) -> Self {
        let (beta_1, beta_2, epsilon) = (0.9, 0.999, 1e-7);
        let (m, v) = (vec![0.0; n_params], vec![0.0; n_params]);
        Self { learning_rate, beta_1, beta_2, epsilon, step: 0, m, v }
    }

    /// One step: changes the parameters by their gradient.
    pub fn update(&mut self, params: &mut [f32], gradient: &[f32]) {
        self.step += 1;
        // Both means start at 0, so that the first ones are too small by these factors.
        let m_correction = 1.0 - self.beta_1.powi(self.step);
        let v_correction = 1.0 - self.beta_2.powi(self.step);
        let moments = self.m.iter_mut().zip(&mut self.v);
        for ((param, g), (m, v)) in params.iter_mut().zip(gradient).zip(moments) {
            *m = self.beta_1 * *m + (1.0 - self.beta_1) * g;
            *v = self.beta_2 * *v + (1.0 - self.beta_2) * g * g;
            let (m, v) = (*m / m_correction, *v / v_correction);
            *param -= self.learning_rate * m / (v.sqrt() + self.epsilon);
        }
    }
}
