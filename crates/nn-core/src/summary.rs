//! A model as a table for people.

use std::fmt::Write as _;

use crate::Model;

impl Model {
    /// A table of the layers, their output sizes and parameters, and the total.
    pub fn summary(&self) -> String {
        let mut table = String::from("layer       output  parameters\n");
        for layer in self.layers() {
            writeln!(
                table,
                "{:<10}{:>8}{:>12}",
                layer.spec().name(),
                layer.outputs(),
                layer.n_params()
            )
            .expect("writing to a String cannot fail");
        }
        write!(table, "total{:>25}", self.params().len()).expect("writing to a String cannot fail");
        table
    }
}

#[cfg(test)]
mod tests {
    use crate::{Init, LayerSpec, Model};

    #[test]
    fn lists_layers_and_the_total() {
        let model = Model::new(&LayerSpec::mlp(&[784, 128, 10]), Init::He, 0).unwrap();
        assert_eq!(
            model.summary(),
            "layer       output  parameters\n\
             dense          128      100480\n\
             relu           128           0\n\
             dense           10        1290\n\
             softmax         10           0\n\
             total                   101770"
        );
    }
}
