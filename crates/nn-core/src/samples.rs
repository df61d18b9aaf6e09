//! The samples that a workspace holds, as they were handed in: numbers, or bytes that are scaled where they are read.

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
    /// Where they are not zero, for a layer that asks.
    pub(crate) mask: Option<&'a NonzeroMask>,
    /// What is to be added to every element of `values`; 0 except for a first layer that takes bytes.
    pub(crate) offset: f32,
}

/// Room for samples, features x capacity. Memory is taken when the first come.
#[derive(Clone, Debug)]
pub(crate) struct SampleBuffer {
    n_features: usize,
    capacity: usize,
    floats: Matrix,
    bytes: Vec<u8>,
    /// How the bytes become numbers, if they are what the samples are now: a quarter of the memory, which is what a
    /// large batch waits for.
    scaled: Option<ScaledBytes>,
    /// Where the samples are not zero, if the first layer asks.
    mask: Option<NonzeroMask>,
    takes_bytes: bool,
}

#[derive(Clone, Copy, Debug)]
struct ScaledBytes {
    /// What a byte is multiplied with, so that a black pixel is a 0, which products skip;
    factor: f32,
    /// and what is then to be added to all.
    offset: f32,
}

impl SampleBuffer {
    /// Room for samples of a network whose first layer wants to know where they are not zero, or takes bytes.
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

    /// Columns for `n` samples of numbers, to be filled in.
    pub(crate) fn floats_mut(&mut self, n: usize) -> MatrixViewMut<'_> {
        self.scaled = None;
        if self.floats.n_columns() == 0 {
            self.floats = Matrix::zeros(self.n_features, self.capacity);
        }
        self.floats.first_mut(n)
    }

    /// Takes `n` samples of bytes, each of which `change` writes from `sample(i)`.
    #[track_caller]
    pub(crate) fn set_bytes<'a>(
        &mut self,
        n: usize,
        scaling: Scaling,
        sample: impl Fn(usize) -> &'a [u8],
        change: impl Fn(usize, &[u8], &mut [u8]),
    ) {
        let factor = scaling.factor();
        // Samples lie anywhere in memory. Asked for one after another, each keeps the processor waiting; asked for
        // all at once, they come together.
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

    /// What is to be added to what the first layer reads.
    pub(crate) fn offset(&self) -> f32 {
        self.scaled.map_or(0.0, |scaled| scaled.offset)
    }

    /// Lends the first `n` samples to `read`, as numbers.
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

    /// Rows `rows` of the samples `range`, without the offset, and where they are not zero. `scratch` is for bytes.
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

    /// The largest absolute value of the first `n` samples; of bytes, of any that there can be.
    pub(crate) fn max_abs(&self, n: usize) -> f32 {
        match self.scaled {
            None => kernels::max_abs(self.floats.columns(0, n)),
            Some(ScaledBytes { factor, offset }) => {
                f32::from(u8::MAX) * factor.abs() + offset.abs()
            }
        }
    }
}
