//! A model as a table for people.

use std::fmt::Write as _;

use crate::Model;

impl Model {
    /// A table of the layers, their output sizes and parameters, and the total.
    pub fn summary(&self) -> String {
        let mut table = String::from("layer       output  parameters\n");
        for at in self.layers() {
            let (name, output, n_params) =
                (at.layer.name(), at.place.output.len(), at.place.params.len());
            writeln!(table, "{name:<10}{output:>8}{n_params:>12}")
                .expect("writing to a String cannot fail");
        }
        write!(table, "total{:>25}", self.params().len()).expect("writing to a String cannot fail");
        table
    }
}

#[cfg(test)]
mod tests {
    use crate::{Architecture, Init, Model};

    #[test]
    fn lists_layers_and_the_total() {
        let model = Model::new(Architecture::mlp(&[784, 128, 10]).unwrap(), Init::He, 0);
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
