/** The version of TensorFlow that was tested. Others can be passed with --libtensorflow. */
const TENSORFLOW = '2.21.0';

/** One of the two npm packages, and the wheels that it is built from. */
export interface Flavor {
  readonly name: 'tfjs-node' | 'tfjs-node-gpu';
  /** The name under "imports" in package.json of the built package. */
  readonly specifier: '#tfjs-node' | '#tfjs-node-gpu';
  /** The wheel that contains libtensorflow. */
  readonly wheel: string;
  /** The wheels of the CUDA libraries: the dependencies of `tensorflow[and-cuda]`. */
  readonly cuda: readonly string[];
}

export const CPU: Flavor = {
  name: 'tfjs-node',
  specifier: '#tfjs-node',
  wheel: `tensorflow-cpu==${TENSORFLOW}`,
  cuda: [],
};

export const GPU: Flavor = {
  name: 'tfjs-node-gpu',
  specifier: '#tfjs-node-gpu',
  wheel: `tensorflow==${TENSORFLOW}`,
  cuda: [
    'nvidia-cublas-cu12>=12.5.3.2,<13.0',
    'nvidia-cuda-cupti-cu12>=12.5.82,<13.0',
    'nvidia-cuda-nvcc-cu12>=12.5.82,<13.0',
    'nvidia-cuda-nvrtc-cu12>=12.5.82,<13.0',
    'nvidia-cuda-runtime-cu12>=12.5.82,<13.0',
    'nvidia-cudnn-cu12>=9.3.0.75,<10.0',
    'nvidia-cufft-cu12>=11.2.3.61,<12.0',
    'nvidia-curand-cu12>=10.3.6.82,<11.0',
    'nvidia-cusolver-cu12>=11.6.3.83,<12.0',
    'nvidia-cusparse-cu12>=12.5.1.3,<13.0',
    'nvidia-nccl-cu12>=2.27.7,<3.0',
    'nvidia-nvjitlink-cu12>=12.5.82,<13.0',
  ],
};
