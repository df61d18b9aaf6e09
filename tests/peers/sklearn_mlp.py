"""scikit-learn's MLPClassifier, with one call of `partial_fit` per epoch.

It cannot flush denormals.
"""

import common
import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

classifier = MLPClassifier(
    hidden_layer_sizes=common.args.hidden,
    alpha=0,
    batch_size=common.args.batch,
    learning_rate_init=1e-3,
    epsilon=1e-7,
    random_state=common.args.seed,
)
images, labels = common.load("train")
classes = np.arange(common.CLASSES)

common.train(
    "scikit-learn",
    sklearn.__version__,
    epoch=lambda: classifier.partial_fit(images, labels, classes=classes),
    predict=classifier.predict_proba,
)
