"""onnxruntime: the network as an ONNX graph of Gemm and Relu, inputs and outputs bound beforehand.

It only infers. The weights are untrained, from He initialisation.
"""

import common
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def graph():
    nodes, weights, value = [], [], "images"
    layers = common.he_normal(np.random.default_rng(common.args.seed))
    for index, (weight, bias) in enumerate(layers):
        names = [f"weight{index}", f"bias{index}"]
        weights += map(numpy_helper.from_array, (weight, bias), names)
        last = index == len(layers) - 1
        product = "logits" if last else f"product{index}"
        nodes.append(helper.make_node("Gemm", [value, *names], [product]))
        if not last:
            value = f"hidden{index}"
            nodes.append(helper.make_node("Relu", [product], [value]))
    value_info = helper.make_tensor_value_info
    images = value_info("images", TensorProto.FLOAT, ["count", common.PIXELS])
    logits = value_info("logits", TensorProto.FLOAT, ["count", common.CLASSES])
    return helper.make_graph(nodes, "mlp", [images], [logits], weights)


options = onnxruntime.SessionOptions()
options.intra_op_num_threads = common.args.threads
options.add_session_config_entry("session.set_denormal_as_zero", "1")
# An older operator set and format that every onnxruntime reads.
model = helper.make_model(graph(), opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
session = onnxruntime.InferenceSession(
    model.SerializeToString(), options, providers=["CPUExecutionProvider"]
)


def bound(images):
    binding = session.io_binding()
    binding.bind_ortvalue_input("images", onnxruntime.OrtValue.ortvalue_from_numpy(images))
    logits = np.empty((len(images), common.CLASSES), np.float32)
    binding.bind_ortvalue_output("logits", onnxruntime.OrtValue.ortvalue_from_numpy(logits))
    return binding


common.infer("onnxruntime", onnxruntime.__version__, session.run_with_iobinding, convert=bound)
