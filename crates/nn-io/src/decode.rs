//! From the bytes of a file to a checkpoint, in the order of section 9 of FORMAT.md: each step trusts only what the steps
//! before it have checked, and memory for tensors comes last.

use nn_core::{Buffer, Model};
use nn_optim::Optimizer;
use nn_train::{Best, TrainingState};

use crate::error::{check_crc, check_value};
use crate::wire::header::{self, Header};
use crate::wire::metadata::{Description, Metadata};
use crate::wire::tensor::{self, PREFIX_LEN, Role, TensorSpec};
use crate::wire::training::TrainingDescription;
use crate::{Checkpoint, Error};

impl Checkpoint {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    ///
    /// If they break any rule of the format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (description, mut rest) = Description::read(bytes)?;
        let tensors = description.read_tensors(&mut rest, &mut Err)?;
        description.into_checkpoint(tensors)
    }
}

/// Everything that is wrong with a file, as far as it can be read.
pub(crate) fn damage(bytes: &[u8]) -> Vec<Error> {
    let mut damage = Vec::new();
    let read = Description::read(bytes).and_then(|(description, mut rest)| {
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
    /// The optimizer's, in its order.
    moments: Vec<Buffer>,
    average: Option<Buffer>,
    best: Option<Best>,
}

impl Tensors {
    /// Takes memory for them.
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
            average: one(Role::Average),
            best: one(Role::BestParameters)
                .map(|params| Best { params, statistics: joined(Role::BestStatistics) }),
        }
    }
}

impl Description {
    /// Reads all that is before the first tensor, and checks that the rest is as long as the tensors must be.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, Rest<'_>), Error> {
        let header = Header::parse(bytes, bytes.len() as u64)?;
        let mut rest = Rest { bytes, offset: 0 };
        rest.take("header", header::LEN as u64)?;

        let metadata = rest.take("metadata", header.metadata_len)?;
        check_crc(header::LEN as u64, "metadata", header.metadata_crc, metadata)?;
        let metadata = Metadata::parse(metadata, header.version)?;
        check_features(metadata.features(), header.features)?;
        let description = metadata.read()?;

        let tensors = &description.tensors;
        let same_number = header.n_tensors as usize == tensors.len();
        let expected = format!("{}, as layers and training need", tensors.len());
        check_value(same_number, "header, number of tensors", expected, header.n_tensors)?;
        rest.expect("tensors", tensor::bytes_of(tensors.iter().map(|(spec, _)| spec)))?;
        Ok((description, rest))
    }

    /// Takes memory for the tensors and reads them. An error in one goes to `on_damage`, which decides
    /// whether to read the next.
    fn read_tensors(
        &self,
        rest: &mut Rest<'_>,
        on_damage: &mut dyn FnMut(Error) -> Result<(), Error>,
    ) -> Result<Tensors, Error> {
        let mut tensors = Tensors::zeros(&self.tensors);
        let Tensors { params, statistics, moments, average, best } = &mut tensors;
        let (mut params, mut statistics) = (params.as_mut_slice(), statistics.as_mut_slice());
        let mut moments = moments.iter_mut();
        for (spec, crc) in &self.tensors {
            let values = match spec.role {
                Role::Parameters => params.split_off_mut(..spec.len),
                Role::Statistics => statistics.split_off_mut(..spec.len),
                Role::Moment => moments.next().map(|moment| moment.as_mut_slice()),
                Role::Average => average.as_mut().map(|average| average.as_mut_slice()),
                Role::BestParameters => best.as_mut().map(|best| best.params.as_mut_slice()),
                Role::BestStatistics => best.as_mut().map(|best| best.statistics.as_mut_slice()),
            };
            let values = values.unwrap_or_default();
            let read = take_tensor(rest, spec, *crc).and_then(|data| {
                tensor::read_into(values, data);
                tensor::check_elements(spec, values)
            });
            read.or_else(&mut *on_damage)?;
        }
        Ok(tensors)
    }

    /// Checks that the tensors are valid and have these elements, to the bit, without memory for them.
    pub(crate) fn check_tensors<'a>(
        &self,
        mut rest: Rest<'_>,
        expected: impl Iterator<Item = &'a [f32]>,
    ) -> Result<(), Error> {
        for ((spec, crc), values) in self.tensors.iter().zip(expected) {
            let data = take_tensor(&mut rest, spec, *crc)?;
            tensor::check_elements(spec, values)?;
            let found = "others";
            check_value(tensor::is_data(values, data), &spec.name, "the elements to save", found)?;
        }
        rest.expect("tensors", 0)
    }

    /// Puts together what was read.
    fn into_checkpoint(self, tensors: Tensors) -> Result<Checkpoint, Error> {
        let Self { architecture, info, training, .. } = self;
        let Tensors { params, statistics, moments, average, best } = tensors;
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

/// The part of the file that has not been read yet.
pub(crate) struct Rest<'a> {
    bytes: &'a [u8],
    offset: u64,
}

impl<'a> Rest<'a> {
    fn take(&mut self, section: &str, len: u64) -> Result<&'a [u8], Error> {
        let found = self.bytes.len() as u64;
        let taken = usize::try_from(len).ok().and_then(|len| self.bytes.split_off(..len));
        let taken = taken.ok_or_else(|| Error::length(self.offset, section, len, found))?;
        self.offset = self.offset.saturating_add(len);
        Ok(taken)
    }

    /// Checks that exactly this much is left.
    fn expect(&self, section: &str, len: u64) -> Result<(), Error> {
        let found = self.bytes.len() as u64;
        if found == len { Ok(()) } else { Err(Error::length(self.offset, section, len, found)) }
    }
}

/// Checks that the header requires the features that the metadata need, no more and no fewer.
fn check_features(expected: u32, found: u32) -> Result<(), Error> {
    let reason = format!(
        "required features: expected {expected:#010x}, as the metadata need, found {found:#010x}"
    );
    let error = Error::Form { offset: header::FEATURES_AT, section: "header".into(), reason };
    if expected == found { Ok(()) } else { Err(error) }
}

/// The data of the next tensor, not yet its elements, checked. Whatever is wrong with it, the rest begins with the one
/// after it.
fn take_tensor<'a>(rest: &mut Rest<'a>, spec: &TensorSpec, crc: u32) -> Result<&'a [u8], Error> {
    let section = format!("tensor {}", spec.name);
    let start = rest.offset;
    let found = rest.take(&section, PREFIX_LEN as u64)?;
    let offset = rest.offset;
    let data = rest.take(&section, spec.data_len())?;
    let expected = spec.prefix();
    if found != expected {
        let reason = format!("expected {expected:02x?}, found {found:02x?}");
        return Err(Error::Form { offset: start, section, reason });
    }
    check_crc(offset, &section, crc, data)?;
    Ok(data)
}
