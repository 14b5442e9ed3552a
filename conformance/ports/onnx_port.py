"""VanillaNet as ONNX graphs that onnxruntime runs, as a port that conformance/check.py judges. Inference in float32."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

PRECISION = 'float32'


class Graph:
    """A chain of nodes on one input."""

    def __init__(self):
        self.nodes, self.constants, self.last = [], [], 'x'

    def constant(self, value, dtype=np.float32):
        name = f'constant{len(self.constants)}'
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def add(self, op, *values, **attributes):
        """Appends a node that takes the last output and constants."""
        inputs = [self.last, *(self.constant(value) for value in values)]
        self.last = f'{op}{len(self.nodes)}'
        self.nodes.append(helper.make_node(op, inputs, [self.last], **attributes))

    def run(self, x):
        x = np.asarray(x, dtype=np.float32)
        inputs = [helper.make_tensor_value_info('x', TensorProto.FLOAT, x.shape)]
        outputs = [helper.make_tensor_value_info(self.last, TensorProto.FLOAT, None)]
        graph = helper.make_graph(self.nodes, 'port', inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ['CPUExecutionProvider'])
        return session.run(None, {'x': x})[0]

    # The layers of the network.

    def conv(self, weight, bias=None, stride=1, padding=0, groups=1):
        values = [weight] if bias is None else [weight, bias]
        self.add('Conv', *values, strides=[stride] * 2, pads=[padding] * 4, group=groups)

    def norm(self, weight, bias, mean, var, eps=1e-6):
        self.add('BatchNormalization', weight, bias, mean, var, epsilon=eps)

    def leaky(self, slope):
        self.add('LeakyRelu', alpha=float(slope))

    def activation(self, weight, bias=None):
        self.add('Relu')
        self.conv(weight, bias, padding=weight.shape[-1] // 2, groups=weight.shape[0])

    def max_pool(self, size):
        self.add('MaxPool', kernel_shape=[size] * 2, strides=[size] * 2)


def run(inputs, build, output='y'):
    graph = Graph()
    build(graph)
    return {output: graph.run(inputs['x'])}


def conv2d(inputs, a):
    return run(inputs, lambda g: g.conv(inputs['weight'], inputs['bias'], a['stride'], a['padding']))


def depthwise_conv2d(inputs, a):
    weight = inputs['weight']
    return run(inputs, lambda g: g.conv(weight, padding=a['padding'], groups=weight.shape[0]))


def batch_norm(inputs, a):
    if a['training']:
        raise NotImplementedError
    parts = [inputs[name] for name in ('weight', 'bias', 'running_mean', 'running_var')]
    return run(inputs, lambda g: g.norm(*parts, eps=a['eps']))


def leaky_relu(inputs, a):
    return run(inputs, lambda g: g.leaky(a['lambda']))


def series_activation(inputs, a):
    return run(inputs, lambda g: g.activation(inputs['weight'], inputs['bias']))


def max_pool2d(inputs, a):
    return run(inputs, lambda g: g.max_pool(a['kernel_size']))


def global_avg_pool(inputs, a):
    return run(inputs, lambda g: g.add('GlobalAveragePool'))


class Net:
    """Appends the network on a state, tensors by PyTorch's names, to a graph."""

    def __init__(self, graph, state, a):
        self.graph, self.state, self.a = graph, state, a

    def conv(self, name, **window):
        self.graph.conv(self.state[f'{name}.weight'], self.state[f'{name}.bias'], **window)

    def norm(self, name):
        self.graph.norm(*(self.state[f'{name}.{part}'] for part in ('weight', 'bias', 'running_mean', 'running_var')))

    def activation(self, name):
        bias = self.state.get(f'{name}.bias')
        self.graph.activation(self.state[f'{name}.weight'], bias)
        if bias is None:
            self.norm(f'{name}.bn')

    def pair(self, first, second, **window):
        """Two convolutions of the train form."""
        self.conv(f'{first}.0', **window)
        self.norm(f'{first}.1')
        self.graph.leaky(self.a['lambda'])
        self.conv(f'{second}.0')
        self.norm(f'{second}.1')

    def block(self, prefix, stride):
        if self.a['form'] == 'deploy':
            self.conv(f'{prefix}conv')
        else:
            self.pair(f'{prefix}conv1', f'{prefix}conv2')
        if stride != 1:
            self.graph.max_pool(stride)
        self.activation(f'{prefix}act')

    def build(self):
        deploy = self.a['form'] == 'deploy'
        if deploy:
            self.conv('stem.0', stride=4)
        else:
            self.pair('stem1', 'stem2', stride=4)
        self.activation('stem.1' if deploy else 'stem2.2')
        for i, stride in enumerate(self.a['strides']):
            self.block(f'stages.{i}.', stride)
        self.graph.add('GlobalAveragePool')
        if deploy:
            self.conv('cls.2')
        else:
            self.conv('cls1.2')
            self.norm('cls1.3')
            self.graph.leaky(self.a['lambda'])
            self.conv('cls2.0')
        self.graph.add('Flatten', axis=1)


def block(inputs, a):
    # Adaptive pools are no operator of ONNX.
    if a['ada_pool'] != 0:
        raise NotImplementedError
    return run(inputs, lambda g: Net(g, inputs, a).block('', a['stride']))


def network(inputs, a):
    if a['ada_pool'] is not None:
        raise NotImplementedError
    state = {name[len('state.') :]: value for name, value in inputs.items() if name.startswith('state.')}
    return run(inputs, lambda g: Net(g, state, a).build(), 'logits')
