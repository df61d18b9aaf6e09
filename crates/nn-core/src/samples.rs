//! The samples in a workspace, as the caller passed them: numbers, or bytes that are scaled when they are read.

use std::{hint::black_box, ops::Range};

use crate::{
    Scaling,
    buffer::{
        CACHE_LINE, Matrix, MatrixView, MatrixViewMut, apart, apart_mut, column_stride,
        with_scratch,
    },
    error::expect_same,
    kernels::{self, Nonzero, NonzeroMask},
};

/// A layer's input: features x samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) values: MatrixView<'a>,
    /// The nonzero mask of `values`, for a layer that needs it.
    pub(crate) mask: Option<&'a NonzeroMask>,
    /// The number to add to every element of `values`; 0 except for a first layer that takes bytes.
    pub(crate) offset: f32,
}

/// The memory for samples, features x capacity. It is allocated when the first samples arrive.
#[derive(Clone, Debug)]
pub(crate) struct SampleBuffer {
    n_features: usize,
    capacity: usize,
    floats: Matrix,
    bytes: Vec<u8>,
    /// How bytes become numbers, if the samples are bytes now. Bytes take a quarter of the memory of numbers, and large
    /// batches are limited by memory bandwidth.
    scaled: Option<ScaledBytes>,
    /// The nonzero mask of the samples, if the first layer needs it.
    mask: Option<NonzeroMask>,
    takes_bytes: bool,
}

#[derive(Clone, Copy, Debug)]
struct ScaledBytes {
    /// Each byte is multiplied by this, so that a black pixel is 0 and products skip it.
    factor: f32,
    /// This is then added to every number.
    offset: f32,
}

impl SampleBuffer {
    /// Memory for the samples of a network, whose first layer may need their nonzero mask, and may take bytes.
    pub(crate) fn new(
        n_features: usize,
        capacity: usize,
        reads_mask: bool,
        takes_bytes: bool,
    ) -> Self {
        Self {
            n_features,
            capacity,
            floats: Matrix::zeros(n_features, 0),
            bytes: Vec::new(),
            scaled: None,
            mask: reads_mask.then(|| NonzeroMask::new(n_features, capacity)),
            takes_bytes,
        }
    }

    /// The columns of `n` samples, for the caller to fill with numbers.
    pub(crate) fn floats_mut(&mut self, n: usize) -> MatrixViewMut<'_> {
        self.scaled = None;
        if self.floats.n_columns() == 0 {
            self.floats = Matrix::zeros(self.n_features, self.capacity);
        }
        self.floats.first_mut(n)
    }

    /// Sets `n` samples of bytes. `change` writes each of them, given `sample(i)`.
    #[track_caller]
    pub(crate) fn set_bytes<'a>(
        &mut self,
        n: usize,
        scaling: Scaling,
        sample: impl Fn(usize) -> &'a [u8],
        change: impl Fn(usize, &[u8], &mut [u8]),
    ) {
        let factor = scaling.factor();
        // Samples are scattered in memory. Read one after another, the processor would wait for each of them. So they
        // are all touched first, and arrive together.
        for i in 0..n {
            let sample = sample(i);
            expect_same(format_args!("length of sample {i}"), self.n_features, sample.len());
            black_box(sample.iter().step_by(CACHE_LINE).fold(0, |sum, &byte| sum ^ byte));
        }
        self.bytes.resize(self.n_features * self.capacity, 0);
        for (i, x) in self.bytes.chunks_exact_mut(self.n_features).enumerate().take(n) {
            change(i, sample(i), x);
        }
        if self.takes_bytes {
            self.scaled = Some(ScaledBytes { factor, offset: -scaling.mean * factor });
            return;
        }
        let (bytes, n_features) = (std::mem::take(&mut self.bytes), self.n_features);
        let mut columns = self.floats_mut(n);
        for (mut x, bytes) in columns.column_iter_mut().zip(bytes.chunks(n_features)) {
            scaling.apply(bytes, x.as_mut_slice());
        }
        self.bytes = bytes;
    }

    /// The number to add to everything that the first layer reads.
    pub(crate) fn offset(&self) -> f32 {
        self.scaled.map_or(0.0, |scaled| scaled.offset)
    }

    /// Calls `read` with the first `n` samples, as numbers.
    pub(crate) fn lend<T>(&mut self, n: usize, read: impl FnOnce(Input<'_>) -> T) -> T {
        let Self { n_features, floats, bytes, scaled, mask, .. } = self;
        let Some(ScaledBytes { factor, offset }) = *scaled else {
            if let Some(mask) = mask {
                mask.update(floats.first(n));
            }
            let values = floats.columns(0, n);
            return read(Input { values, mask: mask.as_ref(), offset: 0.0 });
        };
        let bytes = &bytes[..n * *n_features];
        if let Some(mask) = mask {
            mask.update(bytes.chunks_exact(*n_features));
        }
        let n_features = *n_features;
        with_scratch(n * column_stride(n_features), |x| {
            kernels::scale(bytes, n_features, 0..n_features, factor, apart_mut(x, n_features, n));
            read(Input { values: apart(x, n_features, n), mask: mask.as_ref(), offset })
        })
    }

    /// The first `n` samples; an empty matrix if they are bytes.
    pub(crate) fn floats(&self, n: usize) -> MatrixView<'_> {
        match self.scaled {
            None => self.floats.columns(0, n),
            Some(_) => MatrixView::from_slice(&[], 0, 0),
        }
    }

    /// The rows `rows` of the samples `range`, without the offset, and their nonzero mask. `scratch` is memory for
    /// scaled bytes.
    pub(crate) fn rows<'a>(
        &'a self,
        rows: Range<usize>,
        range: Range<usize>,
        scratch: &'a mut [f32],
    ) -> (MatrixView<'a>, Option<Nonzero<'a>>) {
        let mask =
            self.mask.as_ref().map(|mask| mask.rows(rows.start, range.start / NonzeroMask::GROUP));
        let Some(ScaledBytes { factor, .. }) = self.scaled else {
            return (self.floats.part(rows, range.start, range.len()), mask);
        };
        let (n_rows, n) = (rows.len(), range.len());
        let bytes = &self.bytes[range.start * self.n_features..range.end * self.n_features];
        kernels::scale(bytes, self.n_features, rows, factor, apart_mut(scratch, n_rows, n));
        (apart(scratch, n_rows, n), mask)
    }

    /// The largest absolute value of the first `n` samples. For bytes, it is the largest that any byte could have.
    pub(crate) fn max_abs(&self, n: usize) -> f32 {
        match self.scaled {
            None => kernels::max_abs(self.floats.columns(0, n)),
            Some(ScaledBytes { factor, offset }) => {
                f32::from(u8::MAX) * factor.abs() + offset.abs()
            }
        }
    }
}
