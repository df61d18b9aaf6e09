//! Decodes a file into a checkpoint, in the order of section 9 of FORMAT.md. Each step trusts only what earlier steps
//! have checked, and memory for tensors is allocated last. Tensors are read into that memory in blocks, so the file
//! itself is never in memory.

use std::io::{ErrorKind, Read};

use nn_core::{Buffer, Model};
use nn_optim::Optimizer;
use nn_train::decision::Decision;
use nn_train::{Best, TrainingState};

use crate::error::{check_crc, check_value};
use crate::wire::header::{self, Header};
use crate::wire::info::DecisionDescription;
use crate::wire::metadata::{Description, Metadata};
use crate::wire::tensor::{self, PREFIX_LEN, Role, TensorSpec};
use crate::wire::training::TrainingDescription;
use crate::{Checkpoint, Error, VERSION};

/// The number of elements of a tensor that are read at once.
const ELEMENTS: usize = 16 << 10;
const BLOCK: usize = ELEMENTS * size_of::<f32>();

impl Checkpoint {
    /// Reads a checkpoint from the bytes of a file.
    ///
    /// # Errors
    ///
    /// If the bytes break a rule of the format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let header = Header::parse(bytes, bytes.len() as u64)?;
        read(header, bytes.get(header::LEN..).unwrap_or_default())
    }
}

/// Reads a file with this header. `reader` begins after the header.
pub(crate) fn read(header: Header, reader: impl Read) -> Result<Checkpoint, Error> {
    let mut rest = Rest::new(header::LEN as u64, header.file_len, reader);
    let description = Description::read(&header, &mut rest)?;
    let tensors = description.read_tensors(&mut rest, &mut Err)?;
    description.into_checkpoint(tensors)
}

/// Everything that is wrong with a file, as far as it can be read. The arguments are those of [`read`].
pub(crate) fn damage(header: Header, reader: impl Read) -> Vec<Error> {
    let mut damage = Vec::new();
    let mut rest = Rest::new(header::LEN as u64, header.file_len, reader);
    let read = Description::read(&header, &mut rest).and_then(|description| {
        let mut note = |error| {
            damage.push(error);
            Ok(())
        };
        description.read_tensors(&mut rest, &mut note)
    });
    damage.extend(read.err());
    damage
}

/// The contents of a file's tensors.
struct Tensors {
    params: Buffer,
    statistics: Buffer,
    /// The optimizer's moments, in its order.
    moments: Vec<Buffer>,
    average: Option<Buffer>,
    best: Option<Best>,
    /// The buffers of the decision, in its order.
    decision: Vec<Buffer>,
}

impl Tensors {
    /// Allocates memory for the tensors.
    fn zeros(tensors: &[(TensorSpec, u32)]) -> Self {
        let of =
            |role: Role| tensors.iter().map(|(spec, _)| spec).filter(move |it| it.role == role);
        let joined = |role| {
            let len = of(role).map(|spec| spec.len).fold(0, usize::saturating_add);
            nn_core::zeros(len)
        };
        let one = |role| of(role).next().map(|spec| nn_core::zeros(spec.len));
        Self {
            params: joined(Role::Parameters),
            statistics: joined(Role::Statistics),
            moments: of(Role::Moment).map(|spec| nn_core::zeros(spec.len)).collect(),
            decision: of(Role::Decision).map(|spec| nn_core::zeros(spec.len)).collect(),
            average: one(Role::Average),
            best: one(Role::BestParameters)
                .map(|params| Best { params, statistics: joined(Role::BestStatistics) }),
        }
    }
}

impl Description {
    /// Reads the metadata, and checks that the rest of the file is as long as the tensors must be.
    pub(crate) fn read(header: &Header, rest: &mut Rest<impl Read>) -> Result<Self, Error> {
        // The header was checked, so the length is within the limit.
        let mut metadata = vec![0; usize::try_from(header.metadata_len).unwrap_or_default()];
        rest.fill(&mut metadata)?;
        let found = crc32fast::hash(&metadata);
        check_crc(header::LEN as u64, "metadata", header.metadata_crc, found)?;
        Self::new(Metadata::parse(&metadata, header.version)?, header, rest)
    }

    /// The meaning of metadata. Checks that it agrees with the header, and that the rest of the file is as long as the
    /// tensors must be.
    pub(crate) fn new<R: Read>(
        metadata: Metadata,
        header: &Header,
        rest: &Rest<R>,
    ) -> Result<Self, Error> {
        check_features(metadata.features(), header.features)?;
        let description = metadata.read()?;
        let (needed, found) = (description.info.version(), header.version);
        let is_lowest = found.minor > VERSION.minor || found == needed;
        let expected = format!("{needed}, the lowest that has all keys of the metadata");
        check_value(is_lowest, "header, version", expected, found)?;

        let tensors = &description.tensors;
        let same_number = header.n_tensors as usize == tensors.len();
        let expected = format!("{}, as layers and training need", tensors.len());
        check_value(same_number, "header, number of tensors", expected, header.n_tensors)?;
        rest.expect("tensors", tensor::bytes_of(tensors.iter().map(|(spec, _)| spec)))?;
        Ok(description)
    }

    /// Allocates memory for the tensors and reads them, to the end of the file. `on_damage` is called with the error of
    /// each damaged tensor, and decides whether to read the next.
    fn read_tensors(
        &self,
        rest: &mut Rest<impl Read>,
        on_damage: &mut dyn FnMut(Error) -> Result<(), Error>,
    ) -> Result<Tensors, Error> {
        let mut tensors = Tensors::zeros(&self.tensors);
        let Tensors { params, statistics, moments, average, best, decision } = &mut tensors;
        let (mut params, mut statistics) = (params.as_mut_slice(), statistics.as_mut_slice());
        let mut moments = moments.iter_mut();
        let mut decision = decision.iter_mut();
        for (spec, crc) in &self.tensors {
            let values = match spec.role {
                Role::Parameters => params.split_off_mut(..spec.len),
                Role::Statistics => statistics.split_off_mut(..spec.len),
                Role::Moment => moments.next().map(|moment| moment.as_mut_slice()),
                Role::Average => average.as_mut().map(|average| average.as_mut_slice()),
                Role::BestParameters => best.as_mut().map(|best| best.params.as_mut_slice()),
                Role::BestStatistics => best.as_mut().map(|best| best.statistics.as_mut_slice()),
                Role::Decision => decision.next().map(|buffer| buffer.as_mut_slice()),
            };
            let values = values.unwrap_or_default();
            let mut blocks = values.chunks_mut(ELEMENTS);
            let read = rest.take_tensor(spec, *crc, |data| {
                tensor::read_into(blocks.next().unwrap_or_default(), data);
            })?;
            read.and_then(|()| tensor::check_elements(spec, values)).or_else(&mut *on_damage)?;
        }
        rest.expect_end()?;
        Ok(tensors)
    }

    /// Checks that the tensors are bit-for-bit identical to these elements, without allocating memory for them.
    pub(crate) fn check_tensors(
        &self,
        rest: &mut Rest<impl Read>,
        expected: &[&[f32]],
    ) -> Result<(), Error> {
        for ((spec, crc), values) in self.tensors.iter().zip(expected) {
            let mut blocks = values.chunks(ELEMENTS);
            let mut same = true;
            rest.take_tensor(spec, *crc, |data| {
                same &= *tensor::data(blocks.next().unwrap_or_default()) == *data;
            })??;
            same &= blocks.next().is_none();
            check_value(same, &spec.name, "the elements to save", "others")?;
        }
        rest.expect_end()
    }

    /// Assembles the checkpoint from its parts.
    fn into_checkpoint(self, tensors: Tensors) -> Result<Checkpoint, Error> {
        let Self { architecture, mut info, decision, training, .. } = self;
        let Tensors { params, statistics, moments, average, best, decision: buffers } = tensors;
        info.decision =
            decision.and_then(|DecisionDescription { temperature, threshold, scales }| {
                Decision::from_parts(temperature, threshold, &scales, buffers)
            });
        let model = Model::from_parts(architecture, params, statistics).map_err(Error::Network)?;
        let state = |training| {
            let TrainingDescription { optimizer, step, schedule, config, progress, history } =
                training;
            let optimizer =
                Optimizer::from_parts(optimizer, step, moments).map_err(Error::Optimizer)?;
            Ok(TrainingState { optimizer, schedule, config, progress, history, average, best })
        };
        Ok(Checkpoint { model, info, training: training.map(state).transpose()? })
    }
}

/// The part of a file that has not been read yet.
pub(crate) struct Rest<R> {
    reader: R,
    /// Where it begins, and where the file must end.
    offset: u64,
    file_len: u64,
}

impl<R: Read> Rest<R> {
    /// The part from `offset` on of a file that had `file_len` bytes when it was opened. `reader` gives its bytes.
    pub(crate) fn new(offset: u64, file_len: u64, reader: R) -> Self {
        Self { reader, offset, file_len }
    }

    /// Reads some bytes; none at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => {
                    let n = read.map_err(Error::Read)?;
                    self.offset = self.offset.saturating_add(n as u64);
                    return Ok(n);
                }
            }
        }
    }

    /// Fills the buffer.
    fn fill(&mut self, mut buffer: &mut [u8]) -> Result<(), Error> {
        while !buffer.is_empty() {
            match self.read(buffer)? {
                // The file was longer when it was opened.
                0 => return Err(self.other_len()),
                n => buffer = buffer.get_mut(n..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Checks that exactly this much is left.
    fn expect(&self, section: &str, len: u64) -> Result<(), Error> {
        let found = self.file_len.saturating_sub(self.offset);
        if found == len { Ok(()) } else { Err(Error::length(self.offset, section, len, found)) }
    }

    /// Checks that nothing is left.
    fn expect_end(&mut self) -> Result<(), Error> {
        match self.read(&mut [0])? {
            0 => Ok(()),
            // The file was shorter when it was opened.
            _ => Err(self.other_len()),
        }
    }

    /// The error of a file that ends here too early, or that is longer than it was.
    fn other_len(&self) -> Error {
        Error::length(0, "whole file", self.file_len, self.offset)
    }

    /// Reads the next tensor, and calls `f` with its data, block by block. After an outer error, the file cannot be
    /// read further. An inner error concerns only this tensor; the next one can still be read.
    fn take_tensor(
        &mut self,
        spec: &TensorSpec,
        crc: u32,
        mut f: impl FnMut(&[u8]),
    ) -> Result<Result<(), Error>, Error> {
        let section = format!("tensor {}", spec.name);
        let start = self.offset;
        let (mut found, expected) = ([0; PREFIX_LEN], spec.prefix());
        self.fill(&mut found)?;

        let offset = self.offset;
        let mut hasher = crc32fast::Hasher::new();
        let mut left = spec.len.saturating_mul(size_of::<f32>());
        let mut block = vec![0; left.min(BLOCK)];
        while left > 0 {
            let data = block.get_mut(..left.min(BLOCK)).unwrap_or_default();
            self.fill(data)?;
            hasher.update(data);
            f(data);
            left = left.saturating_sub(BLOCK);
        }
        if found != expected {
            let reason = format!("expected {expected:02x?}, found {found:02x?}");
            return Ok(Err(Error::Form { offset: start, section, reason }));
        }
        Ok(check_crc(offset, &section, crc, hasher.finalize()))
    }
}

/// Checks that the header requires exactly the features that the metadata need.
fn check_features(expected: u32, found: u32) -> Result<(), Error> {
    let reason = format!(
        "required features: expected {expected:#010x}, as the metadata need, found {found:#010x}"
    );
    let error = Error::Form { offset: header::FEATURES_AT, section: "header".into(), reason };
    if expected == found { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use nn_core::Model;
    use tally::{Failure, Tally, ensure};

    use super::*;
    use crate::{CheckpointRef, ModelInfo};

    /// A file that is shorter or longer than when it was opened, and than its header says.
    #[test]
    fn the_length_changes() {
        let mut tally = Tally::new("A16", "changed while it is read: cut anywhere, or longer");
        let model = Model::classifier(&[2, 3, 2]).unwrap();
        let info = ModelInfo::default();
        let view = CheckpointRef { model: &model, info: &info, training: None };
        let bytes = view.to_bytes().unwrap();
        let header = Header::parse(&bytes, bytes.len() as u64).unwrap();
        let longer = [&bytes[..], b"more"].concat();
        for len in (header::LEN..=bytes.len() + 4).filter(|&len| len != bytes.len()) {
            let rest = &longer[header::LEN..len];
            // Of a longer file, only one byte too many is read.
            let found = len.min(bytes.len() + 1) as u64;
            let expected = Error::length(0, "whole file", header.file_len, found).to_string();
            for found in [vec![read(header, rest).unwrap_err()], damage(header, rest)] {
                let found: Vec<String> = found.iter().map(ToString::to_string).collect();
                let says = found == [&*expected];
                tally.case(|| ensure(says, || Failure::wrong(format!("{len}: {found:?}"))));
            }
        }
        assert_eq!(read(header, &bytes[header::LEN..]).unwrap().model, model);
        tally.finish();
    }
}
