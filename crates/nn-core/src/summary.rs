//! The summary of a model: a table of its layers.

use std::fmt;

use crate::Model;

/// Formats a summary: a table of the layers with their output sizes and numbers of parameters, and the total.
///
/// ```
/// let model = nn_core::Model::classifier(&[784, 128, 10])?;
/// println!("{model}");
/// # Ok::<(), nn_core::Error>(())
/// ```
impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "layer       output  parameters")?;
        for at in self.layers() {
            let (name, output, n_params) =
                (at.layer.name(), at.place.output.len(), at.place.params.len());
            writeln!(f, "{name:<10}{output:>8}{n_params:>12}")?;
        }
        write!(f, "total{:>25}", self.params().len())
    }
}

#[cfg(test)]
mod tests {
    use crate::Model;

    #[test]
    fn lists_layers_and_the_total() {
        let model = Model::classifier(&[784, 128, 10]).unwrap();
        assert_eq!(
            model.to_string(),
            "layer       output  parameters\n\
             dense          128      100480\n\
             relu           128           0\n\
             dense           10        1290\n\
             softmax         10           0\n\
             total                   101770"
        );
    }
}
