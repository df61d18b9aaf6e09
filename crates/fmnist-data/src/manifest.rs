//! The published files: their names, lengths and SHA-256 checksums, and the check that a file is one of them.
//!
//! The checksums of the four `.gz` files are published: as MD5 in the dataset's README, and as SHA-256 in every package
//! that pins it. `data/fashion-mnist/SHA256SUMS` in the repository repeats them for `sha256sum --check`, and a test keeps
//! the two equal.

use std::io::BufReader;
use std::path::Path;

use crate::digest::{self, Digest, Digesting};
use crate::idx::Opened;
use crate::values::{Array as _, Header, Number};
use crate::{Error, sniff};

/// One published file: the gzip stream, and the IDX file inside it.
#[derive(Debug, Clone)]
pub(crate) struct FileSpec {
    /// The published name, which ends in `.gz`.
    pub(crate) name: &'static str,
    pub(crate) gzip: Digest,
    pub(crate) raw: Digest,
}

impl FileSpec {
    /// The name of the unzipped file.
    #[cfg(any(test, feature = "download"))]
    pub(crate) fn raw_name(&self) -> &'static str {
        self.name.strip_suffix(".gz").unwrap_or(self.name)
    }

    /// Whether the file, zipped or not, has this length.
    pub(crate) fn has_len(&self, bytes: u64) -> bool {
        bytes == self.gzip.bytes || bytes == self.raw.bytes
    }

    /// Whether this is the file, zipped or not.
    pub(crate) fn is(&self, found: &Digest) -> bool {
        *found == self.gzip || *found == self.raw
    }

    /// The path of the file in `dir` under its published name: the unzipped one if it has the right length or is the only
    /// one, otherwise the zipped one.
    #[cfg(feature = "download")]
    pub(crate) fn path_in(&self, dir: &Path) -> std::path::PathBuf {
        let (gzip, raw) = (dir.join(self.name), dir.join(self.raw_name()));
        let is_whole = || raw.metadata().is_ok_and(|metadata| metadata.len() == self.raw.bytes);
        if is_whole() || raw.exists() && !gzip.exists() { raw } else { gzip }
    }
}

/// A published dataset: its four files, and those of another set with the same names.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    /// Training images, training labels, test images, test labels.
    pub(crate) files: [FileSpec; 4],
    /// SHA-256 of the four unzipped files one after another: the fingerprint of the whole.
    pub(crate) content_sha256: String,
    /// MNIST's four files, so that they can be refused by name.
    pub(crate) mnist: [Digest; 4],
}

impl Manifest {
    /// Reads one file, gzip or raw by its content, and checks that it is the published one. Returns its dimensions and
    /// its elements.
    pub(crate) fn read<const RANK: usize>(
        &self,
        spec: &FileSpec,
        path: &Path,
    ) -> Result<([usize; RANK], Vec<u8>), Error> {
        let (file, bytes) = digest::open(path)?;
        // A file of another length is not worth reading, however long it is.
        if !spec.has_len(bytes) {
            return Err(self.explain(spec, path));
        }
        let mut reader = BufReader::with_capacity(1 << 16, Digesting::new(file));
        let read = Opened::new(&mut reader, path, spec.raw.bytes).and_then(|opened| {
            let Header { dims, number, .. } = opened.header();
            let dims = <[usize; RANK]>::try_from(dims.as_slice()).ok();
            let dims = dims.filter(|_| *number == Number::U8);
            opened.bytes().map(|bytes| Some((dims?, bytes)))
        });
        match read {
            Err(error @ Error::Io { .. }) => Err(error),
            Ok(Some(array)) if spec.is(&reader.into_inner().finish()) => Ok(array),
            _ => Err(self.explain(spec, path)),
        }
    }

    /// The error for a file that is not the published one. It says what the file is instead.
    fn explain(&self, spec: &FileSpec, path: &Path) -> Error {
        self.identify(spec, path).unwrap_or_else(|error| error)
    }

    fn identify(&self, spec: &FileSpec, path: &Path) -> Result<Error, Error> {
        let head = sniff::head(path)?;
        let (_, bytes) = digest::open(path)?;
        // A file can only be a known one if it has the same length. Others are not hashed.
        let is_known = self.files.iter().any(|spec| spec.has_len(bytes))
            || self.mnist.iter().any(|known| known.bytes == bytes);
        let found = if is_known {
            let found = digest::of_file(path)?;
            if self.mnist.contains(&found) {
                return Ok(Error::Mnist { path: path.into() });
            }
            if let Some(other) = self.files.iter().find(|other| other.is(&found)) {
                return Ok(Error::Swapped { path: path.into(), holds: other.name });
            }
            found.to_string()
        } else {
            format!("{bytes} bytes, {}", sniff::describe(&head))
        };
        let expected = if head.first() == Some(&0) { &spec.raw } else { &spec.gzip };
        Ok(Error::Checksum { path: path.into(), expected: expected.to_string(), found })
    }
}

/// Fashion-MNIST as Zalando Research published it in 2017.
#[rustfmt::skip] // a table reads best as a table
pub(crate) fn fashion_mnist() -> Manifest {
    Manifest {
        files: [
            FileSpec {
                name: "train-images-idx3-ubyte.gz",
                gzip: known(26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
                raw: known(47_040_016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
            },
            FileSpec {
                name: "train-labels-idx1-ubyte.gz",
                gzip: known(29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
                raw: known(60_008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
            },
            FileSpec {
                name: "t10k-images-idx3-ubyte.gz",
                gzip: known(4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
                raw: known(7_840_016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
            },
            FileSpec {
                name: "t10k-labels-idx1-ubyte.gz",
                gzip: known(5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
                raw: known(10_008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
            },
        ],
        content_sha256: "14410854cf7a289477dcfc7df3f8ec24741e281cdcc425ede0d9a748ca630214".into(),
        mnist: [
            known(9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            known(28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            known(1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            known(4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ],
    }
}

fn known(bytes: u64, sha256: &str) -> Digest {
    Digest { bytes, sha256: sha256.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_sums_in_the_repository() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
        // A published package has no repository around it.
        if !data.exists() {
            return;
        }
        let sums = data.join("fashion-mnist/SHA256SUMS");
        let mut published: Vec<String> =
            std::fs::read_to_string(sums).unwrap().lines().map(Into::into).collect();
        let mut pinned: Vec<String> = fashion_mnist()
            .files
            .iter()
            .map(|spec| format!("{}  {}", spec.gzip.sha256, spec.name))
            .collect();
        published.sort();
        pinned.sort();
        assert_eq!(pinned, published);
    }
}
