//! Checkpoints from readers and to writers, such as sockets, archives and buffers, by the rules of files.
//!
//! Apart from `disk`, whose saves are durable: a writer's owner decides where its bytes end up.

use std::io::{Read, Write};

use crate::wire::header::{self, Header};
use crate::{Checkpoint, CheckpointRef, Error};

impl Checkpoint {
    /// Reads a checkpoint from a reader, up to its end. [`Checkpoint::load`] is for files.
    ///
    /// ```
    /// use nn_io::{Checkpoint, CheckpointRef, ModelInfo, nn_core::Model};
    ///
    /// let (model, info) = (Model::classifier(&[2, 8, 3])?, ModelInfo::default());
    /// let mut bytes = Vec::new();
    /// CheckpointRef { model: &model, info: &info, training: None }.write(&mut bytes)?;
    /// assert_eq!(Checkpoint::read(&bytes[..])?.model, model);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the reader fails, or what it gives breaks any rule of the format, as in [`Checkpoint::from_bytes`]. What does not
    /// begin as a model is not read to its end; nor is more of it than its header says.
    pub fn read(mut reader: impl Read) -> Result<Self, Error> {
        Self::from_bytes(&read(&mut reader)?)
    }
}

impl CheckpointRef<'_> {
    /// Writes this checkpoint to a writer, and flushes that. [`CheckpointRef::save`] is for files.
    ///
    /// # Errors
    ///
    /// If [`CheckpointRef::to_bytes`] fails, before anything is written; or if writing does, perhaps after some of it.
    pub fn write(&self, mut writer: impl Write) -> Result<(), Error> {
        let bytes = self.to_bytes()?;
        writer.write_all(&bytes).and_then(|()| writer.flush()).map_err(Error::Write)
    }
}

/// All bytes of a reader that begins with a header, but no more than one beyond the length that the header says.
fn read(reader: &mut dyn Read) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(header::LEN);
    reader.take(header::LEN as u64).read_to_end(&mut bytes).map_err(Error::Read)?;
    let header = Header::parse_start(&bytes)?;
    let rest = header.file_len.saturating_sub(header::LEN as u64).saturating_add(1);
    reader.take(rest).read_to_end(&mut bytes).map_err(Error::Read)?;
    Ok(bytes)
}
