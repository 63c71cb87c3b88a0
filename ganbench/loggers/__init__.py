"""Where the numbers and pictures of a training may go besides the run folder: TensorBoard, W&B, MLflow, CSV."""
