//! What is in a model file, and what a run resumes from.

use super::{Mutant, NN_IO};

const NN_TRAIN: &[&str] = &["--package", "nn-train", "--test", "resume"];
const MEMORY: &[&str] = &["--package", "nn-io", "--test", "memory"];

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a file that does not name its arithmetic",
        file: "crates/nn-io/src/wire/config.rs",
        from: "nn_core::Arithmetic::Plain => Some(Arithmetic::Plain),",
        to: "nn_core::Arithmetic::Plain => None,",
        tests: NN_IO,
    },
    Mutant {
        name: "the optimizer's count of steps lost",
        file: "crates/nn-io/src/decode.rs",
        from: "Optimizer::from_parts(optimizer, step, moments)",
        to: "Optimizer::from_parts(optimizer, step.min(0), moments)",
        tests: NN_IO,
    },
    Mutant {
        name: "Adam's moments swapped",
        file: "crates/nn-io/src/decode.rs",
        from: "let mut moments = moments.iter_mut();",
        to: "let mut moments = moments.iter_mut().rev();",
        tests: NN_IO,
    },
    Mutant {
        name: "a required feature not compared with the metadata",
        file: "crates/nn-io/src/decode.rs",
        from: "check_features(metadata.features(), header.features)?;",
        to: "",
        tests: NN_IO,
    },
    Mutant {
        name: "an epoch off by one",
        file: "crates/nn-io/src/wire/history.rs",
        from: "Ok(nn_train::Progress { epoch, batch,",
        to: "Ok(nn_train::Progress { epoch: epoch.saturating_add(1), batch,",
        tests: NN_IO,
    },
    Mutant {
        name: "a CRC not checked",
        file: "crates/nn-io/src/error.rs",
        from: "if found == expected {\n        return Ok(());",
        to: "if found == expected || offset > 0 {\n        return Ok(());",
        tests: NN_IO,
    },
    Mutant {
        name: "the header's CRC not checked",
        file: "crates/nn-io/src/wire/header.rs",
        from: "check_crc(0, \"header\", crc, crc32fast::hash(checked))?;",
        to: "",
        tests: NN_IO,
    },
    Mutant {
        name: "the file's length not checked",
        file: "crates/nn-io/src/wire/header.rs",
        from: "if header.file_len != file_len {",
        to: "if header.file_len != file_len && false {",
        tests: NN_IO,
    },
    Mutant {
        name: "the tensors' length not checked",
        file: "crates/nn-io/src/decode.rs",
        from: "if found == len { Ok(()) }",
        to: "if found >= len { Ok(()) }",
        tests: NN_IO,
    },
    Mutant {
        name: "numbers that are not finite accepted",
        file: "crates/nn-io/src/wire/tensor.rs",
        from: "fold(true, |all, x| all & valid.contains(x))",
        to: "fold(true, |all, x| all | valid.contains(x))",
        tests: NN_IO,
    },
    Mutant {
        name: "a whole file in memory before it is decoded",
        file: "crates/nn-io/src/disk/save.rs",
        from: "let (header, reader) = file::open_model(path)?;",
        to: "let (header, mut reader) = file::open_model(path)?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut bytes).map_err(Error::Read)?;
        let reader = &bytes[..];",
        tests: MEMORY,
    },
    Mutant {
        name: "records of another history mistaken for known ones",
        file: "crates/nn-io/src/wire/history.rs",
        from: "if !is_same || self.records.len() > history.len() {",
        to: "if self.records.len() > history.len() {",
        tests: NN_IO,
    },
    Mutant {
        name: "an order of samples not restored",
        file: "crates/nn-train/src/trainer.rs",
        from: "epoch_order(&self.state.config, epoch, train);",
        to: "epoch_order(&self.state.config, epoch + u64::from(done > 0), train);",
        tests: NN_TRAIN,
    },
    Mutant {
        name: "a gradient not checked",
        file: "crates/nn-train/src/divergence.rs",
        from: "shards.gradient_bound() < f64::from(LARGEST_GRADIENT)",
        to: "shards.gradient_bound() < f64::INFINITY || LARGEST_GRADIENT > 0.0",
        tests: NN_TRAIN,
    },
];
