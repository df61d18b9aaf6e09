//! The arithmetic that takes the time, and all `unsafe` of the project.
//!
//! Three products, as forward and backward need them, and the element-wise loops between them.
//! Each is checked against a plain triple loop (`reference`, in the tests). Every element of a
//! result is summed in an order that depends on the shapes alone, never on a thread.

mod product;
#[cfg(test)]
mod reference;

use crate::buffer::{MatrixView, MatrixViewMut};
use product::{Product, TransposedProduct};

/// Whether a product replaces the destination or is added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accum {
    Replace,
    Add,
}

/// `c = a b` or `c += a b`.
#[track_caller]
pub(crate) fn matmul(mut c: MatrixViewMut<'_>, accum: Accum, a: MatrixView<'_>, b: MatrixView<'_>) {
    let ((m, n), k) = (c.shape(), a.ncols());
    assert_eq!((a.shape(), b.shape()), ((m, k), (k, n)), "shapes of a product");
    pulp::Arch::new().dispatch(Product {
        m,
        n,
        k,
        a: a.as_ptr(),
        a_stride: a.strides().1,
        b: b.as_ptr(),
        b_row_stride: 1,
        b_column_stride: b.strides().1,
        c_stride: c.strides().1,
        c: c.as_mut_ptr(),
        accum,
    });
}

/// `c = a bT` or `c += a bT`.
#[track_caller]
pub(crate) fn matmul_bt(
    mut c: MatrixViewMut<'_>,
    accum: Accum,
    a: MatrixView<'_>,
    b: MatrixView<'_>,
) {
    let ((m, n), k) = (c.shape(), a.ncols());
    assert_eq!((a.shape(), b.shape()), ((m, k), (n, k)), "shapes of a product");
    pulp::Arch::new().dispatch(Product {
        m,
        n,
        k,
        a: a.as_ptr(),
        a_stride: a.strides().1,
        b: b.as_ptr(),
        b_row_stride: b.strides().1,
        b_column_stride: 1,
        c_stride: c.strides().1,
        c: c.as_mut_ptr(),
        accum,
    });
}

/// `c = aT b`.
#[track_caller]
pub(crate) fn matmul_at(mut c: MatrixViewMut<'_>, a: MatrixView<'_>, b: MatrixView<'_>) {
    let ((m, n), k) = (c.shape(), a.nrows());
    assert_eq!((a.shape(), b.shape()), ((k, m), (k, n)), "shapes of a product");
    pulp::Arch::new().dispatch(TransposedProduct {
        m,
        n,
        k,
        a: a.as_ptr(),
        a_stride: a.strides().1,
        b: b.as_ptr(),
        b_stride: b.strides().1,
        c_stride: c.strides().1,
        c: c.as_mut_ptr(),
    });
}

/// `y = max(x, 0)`.
#[track_caller]
pub(crate) fn relu(x: MatrixView<'_>, mut y: MatrixViewMut<'_>) {
    assert_eq!(x.shape(), y.shape(), "shapes of ReLU's input and output");
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (x, mut y) in x.column_iter().zip(y.column_iter_mut()) {
                for (y, &x) in y.as_mut_slice().iter_mut().zip(x.as_slice()) {
                    // A comparison, not `max`: a NaN stays NaN and shows in the loss.
                    *y = if x < 0.0 { 0.0 } else { x };
                }
            }
        },
    );
}

/// `dx = dy` where `y > 0`, else 0.
#[track_caller]
pub(crate) fn relu_backward(y: MatrixView<'_>, dy: MatrixView<'_>, mut dx: MatrixViewMut<'_>) {
    assert_eq!((y.shape(), dy.shape()), (dx.shape(), dx.shape()), "shapes of ReLU's gradient");
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let columns = y.column_iter().zip(dy.column_iter()).zip(dx.column_iter_mut());
            for ((y, dy), mut dx) in columns {
                let sources = y.as_slice().iter().zip(dy.as_slice());
                for (dx, (&y, &dy)) in dx.as_mut_slice().iter_mut().zip(sources) {
                    *dx = if y > 0.0 { dy } else { 0.0 };
                }
            }
        },
    );
}

/// `x = (byte - mean) * factor`.
#[track_caller]
pub(crate) fn scale(bytes: &[u8], mean: f32, factor: f32, x: &mut [f32]) {
    assert_eq!(bytes.len(), x.len(), "lengths of bytes and inputs");
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (x, &byte) in x.iter_mut().zip(bytes) {
                *x = (f32::from(byte) - mean) * factor;
            }
        },
    );
}

/// The instruction set that the element-wise loops and products run on here, e.g. `avx512`.
///
/// Results have the same bits on every machine that answers the same.
pub fn instruction_set() -> &'static str {
    match pulp::Arch::new() {
        #[cfg(target_arch = "x86_64")]
        pulp::Arch::V4(_) => "avx512",
        #[cfg(target_arch = "x86_64")]
        pulp::Arch::V3(_) => "avx2",
        #[cfg(target_arch = "aarch64")]
        pulp::Arch::Neon(_) => "neon",
        _ => "portable",
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::{reference::product, *};

    /// Numbers that a wrong index, stride or sign changes, exactly representable and small enough
    /// that sums of products are exact in `f32`: the oracle must agree to the bit.
    fn matrix(rows: usize, columns: usize, salt: usize) -> DMatrix<f32> {
        DMatrix::from_fn(rows, columns, |i, j| ((i * 31 + j * 17 + salt * 7) % 23) as f32 - 11.0)
    }

    #[track_caller]
    fn check(m: usize, n: usize, k: usize) {
        for accum in [Accum::Replace, Accum::Add] {
            let before = matrix(m, n, 3);
            let (a, b) = (matrix(m, k, 1), matrix(k, n, 2));
            let mut expected = product(&a, &b);
            if accum == Accum::Add {
                expected += &before;
            }

            let mut c = before.clone();
            matmul(c.as_view_mut(), accum, a.as_view(), b.as_view());
            assert_eq!(c, expected, "matmul {m}x{n}x{k} {accum:?}");

            let mut c = before.clone();
            matmul_bt(c.as_view_mut(), accum, a.as_view(), b.transpose().as_view());
            assert_eq!(c, expected, "matmul_bt {m}x{n}x{k} {accum:?}");
        }
        let (a, b, mut c) = (matrix(m, k, 1), matrix(k, n, 2), matrix(m, n, 3));
        matmul_at(c.as_view_mut(), a.transpose().as_view(), b.as_view());
        assert_eq!(c, product(&a, &b), "matmul_at {m}x{n}x{k}");
    }

    #[test]
    fn products_agree_with_the_triple_loop() {
        const SIZES: [usize; 8] = [1, 2, 5, 7, 16, 63, 65, 130];
        for m in SIZES {
            for n in SIZES {
                for k in SIZES {
                    check(m, n, k);
                }
            }
        }
        check(128, 32, 784);
        check(10, 128, 128);
    }

    #[test]
    fn products_of_views_leave_the_rest_alone() {
        let (a, b) = (matrix(9, 8, 1), matrix(6, 20, 2));
        let mut c = matrix(9, 20, 3);
        let expected = {
            let mut expected = c.clone();
            let inner = product(&a.columns(1, 6).into_owned(), &b.columns(4, 11).into_owned());
            expected.columns_mut(5, 11).copy_from(&inner);
            expected
        };
        matmul(c.columns_mut(5, 11), Accum::Replace, a.columns(1, 6), b.columns(4, 11));
        assert_eq!(c, expected);
    }

    #[test]
    #[should_panic(expected = "shapes of a product")]
    fn mismatched_shapes_panic() {
        let mut c = matrix(3, 3, 0);
        matmul(
            c.as_view_mut(),
            Accum::Replace,
            matrix(3, 4, 0).as_view(),
            matrix(5, 3, 0).as_view(),
        );
    }

    #[test]
    fn relu_and_its_gradient() {
        for (rows, columns) in [(1, 1), (5, 3), (7, 1), (63, 2), (65, 5), (128, 4)] {
            let (x, dy) = (matrix(rows, columns, 4), matrix(rows, columns, 5));
            let mut y = matrix(rows, columns, 6);
            relu(x.as_view(), y.as_view_mut());
            assert_eq!(y, x.map(|x| x.max(0.0)));
            let mut dx = matrix(rows, columns, 6);
            relu_backward(y.as_view(), dy.as_view(), dx.as_view_mut());
            assert_eq!(dx, x.zip_map(&dy, |x, dy| if x > 0.0 { dy } else { 0.0 }));
        }
        let mut y = DMatrix::zeros(1, 1);
        relu(DMatrix::from_element(1, 1, f32::NAN).as_view(), y.as_view_mut());
        assert!(y[0].is_nan());
    }
}
