"""Keras 3 on JAX: a Sequential model and `fit`, with sixteen steps in each compiled call.

XLA flushes denormals by itself.
"""

import os
import time

import common

common.pin()
os.environ["KERAS_BACKEND"] = "jax"

import jax  # noqa: E402 (XLA counts the processors when it starts)
import keras  # noqa: E402 (it reads the environment)


class Stopwatch(keras.callbacks.Callback):
    """The seconds of every epoch."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


keras.utils.set_random_seed(common.args.seed)
model = keras.Sequential(
    [
        keras.Input((common.PIXELS,)),
        *(keras.layers.Dense(size, activation="relu") for size in common.args.hidden),
        keras.layers.Dense(common.CLASSES),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(1e-3, epsilon=1e-7),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    steps_per_execution=16,
)
images, labels = common.load("train")
stopwatch = Stopwatch()
model.fit(
    images,
    labels,
    batch_size=common.args.batch,
    epochs=common.args.epochs + 1,
    shuffle=True,
    verbose=0,
    callbacks=[stopwatch],
)
common.report_training(
    "Keras on JAX",
    f"{keras.__version__}, JAX {jax.__version__}",
    stopwatch.seconds[1:],
    lambda images: model.predict(images, verbose=0),
)
