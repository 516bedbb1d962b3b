"""One table: ATen operator to canonical type, fusion class and arithmetic per element.

The fusion class here is what an operator can be at most; `lower.py` lowers it where shapes, axes
or layouts do not allow it. What is not in the table is opaque, of unknown arithmetic.
"""

from __future__ import annotations

import dataclasses

TRANSCENDENTAL = 10.0  # operations counted for an exp, a tanh, an erf


@dataclasses.dataclass(frozen=True)
class OpInfo:
    """What gopt knows of an ATen operator.

    Attributes:
      type: canonical name, shared by the operators of one meaning.
      fusion: "pointwise" (elementwise or broadcast, by shapes), "row_reduction" (keeps its shape,
        reduces along an axis), "reduction", "contraction", "data_movement", "gather" (data movement
        in an order that data decides), "fill" (reads nothing), "opaque".
      flops: operations per element of the largest tensor touched; -1: unknown, or by a formula.
      shape_only: positions of operands of which the kernel reads the shape alone.
    """

    type: str
    fusion: str
    flops: float = -1.0
    shape_only: tuple[int, ...] = ()


def _rows() -> dict[str, OpInfo]:
    table: dict[str, OpInfo] = {}

    def add(fusion: str, flops: float, names: str, type_: str = "") -> None:
        for name in names.split():
            native, _, canonical = name.partition("=")
            table["aten::" + native] = OpInfo(
                canonical or type_ or native.lstrip("_"), fusion, flops
            )

    # --- pointwise: one output element from one element of each operand
    add(
        "pointwise",
        1,
        "add sub=subtract rsub=subtract mul=multiply div=divide neg=negate abs sgn sign relu "
        "threshold_backward=relu_backward maximum minimum fmax=maximum fmin=minimum clamp "
        "clamp_min=clamp clamp_max=clamp where=select masked_fill=select logical_and logical_or "
        "logical_not logical_xor eq=compare ne=compare lt=compare le=compare gt=compare ge=compare "
        "bitwise_and bitwise_or bitwise_not bitwise_xor square=multiply reciprocal=divide floor "
        "ceil round trunc remainder fmod hardtanh hardtanh_backward leaky_relu "
        "leaky_relu_backward isnan isinf tril=select triu=select floor_divide=divide hardsigmoid "
        "hardsigmoid_backward hardswish hardswish_backward nan_to_num bitwise_left_shift "
        "bitwise_right_shift hardshrink softshrink",
    )
    add("pointwise", 2, "addcmul addcdiv lerp native_dropout=dropout")
    add("pointwise", 1, "native_dropout_backward=dropout_backward")
    add("pointwise", 0, "_to_copy=convert fill=fill copy=copy")
    add(
        "pointwise",
        TRANSCENDENTAL,
        "exp exp2=exp expm1=exp log log2=log log1p=log log10=log tanh sigmoid gelu silu erf "
        "erfc=erf sin cos tan asin acos atan sinh cosh atan2 pow sqrt rsqrt softplus mish elu "
        "selu celu log_sigmoid_forward=log_sigmoid prelu=prelu asinh acosh atanh erfinv lgamma "
        "digamma logaddexp logit",
    )
    add(
        "pointwise",
        3,
        "tanh_backward sigmoid_backward _prelu_kernel=prelu _prelu_kernel_backward=prelu_backward",
    )
    add(
        "pointwise",
        2 * TRANSCENDENTAL,
        "gelu_backward silu_backward softplus_backward mish_backward elu_backward "
        "log_sigmoid_backward",
    )
    add("pointwise", 4, "_native_batch_norm_legit_no_training=batch_norm_inference")
    # --- reductions
    add("reduction", 1, "sum mean=mean amax=max amin=min max min prod any all argmax argmin")
    add("reduction", 3, "var var_mean std std_mean linalg_vector_norm=norm norm")
    add("reduction", TRANSCENDENTAL + 2, "logsumexp")
    add("row_reduction", TRANSCENDENTAL + 4, "_softmax _log_softmax _safe_softmax=softmax")
    add("row_reduction", 4, "_softmax_backward_data=softmax_backward")
    add("row_reduction", TRANSCENDENTAL + 3, "_log_softmax_backward_data=log_softmax_backward")
    add("row_reduction", 8, "native_layer_norm=layer_norm _fused_rms_norm=rms_norm")
    # --- data movement
    add(
        "data_movement",
        0,
        "clone=copy lift_fresh_copy=copy cat=concatenate stack=concatenate slice_backward "
        "select_backward slice_scatter select_scatter constant_pad_nd=pad repeat "
        "split_with_sizes_copy",
    )
    add(
        "gather",
        0,
        "embedding index=gather index_select=gather gather flip roll diagonal_backward "
        "_unsafe_index=gather",
    )
    add("opaque", 0, "unfold_backward as_strided_scatter index_put=scatter scatter im2col col2im")
    add("opaque", 0, "_unsafe_index_put=scatter _index_put_impl=scatter")
    for size in ("1d", "2d", "3d"):
        add("opaque", 0, f"reflection_pad{size}=pad replication_pad{size}=pad", "pad")
        add(
            "opaque",
            1,
            f"reflection_pad{size}_backward replication_pad{size}_backward",
            "pad_backward",
        )
        add("opaque", 0, f"upsample_nearest{size}=upsample")
        add("opaque", 1, f"upsample_nearest{size}_backward=upsample_backward")
    add("opaque", 8, "upsample_bilinear2d=upsample upsample_linear1d=upsample")
    add("opaque", 8, "upsample_bilinear2d_backward=upsample_backward")
    add("opaque", 40, "upsample_bicubic2d=upsample upsample_bicubic2d_backward=upsample_backward")
    add("opaque", 20, "grid_sampler_2d=grid_sample grid_sampler_2d_backward=grid_sample_backward")
    add(
        "opaque",
        1,
        "scatter_add scatter_reduce index_add embedding_dense_backward=embedding_backward cumsum "
        "cumprod cummax cummin histc=histogram bincount=histogram",
    )
    # --- fills: no operand is read
    add(
        "fill",
        0,
        "full zeros ones empty arange scalar_tensor full_like zeros_like ones_like empty_like "
        "new_zeros new_ones new_full new_empty new_empty_strided empty_strided linspace eye",
        "fill",
    )
    # --- contractions: arithmetic by the formulas of costs.py
    add("contraction", -1, "mm=matmul addmm=matmul bmm=batch_matmul baddbmm=batch_matmul")
    add("contraction", -1, "mv=matmul addmv=matmul dot=matmul vdot=matmul convolution=convolution")
    # --- opaque, arithmetic known
    add(
        "opaque",
        8,
        "_native_batch_norm_legit_functional=batch_norm native_batch_norm=batch_norm "
        "_native_batch_norm_legit=batch_norm native_group_norm=group_norm",
    )
    add("opaque", 11, "native_batch_norm_backward=batch_norm_backward")
    add("opaque", 11, "native_layer_norm_backward=layer_norm_backward")
    add("opaque", 11, "native_group_norm_backward=group_norm_backward")
    add("opaque", 11, "_fused_rms_norm_backward=rms_norm_backward")
    add("opaque", 5, "_weight_norm_interface=weight_norm")
    add("opaque", 8, "_weight_norm_interface_backward=weight_norm_backward")
    add("opaque", -1, "_embedding_bag=embedding_bag _embedding_bag_forward_only=embedding_bag")
    add("opaque", -1, "_embedding_bag_backward=embedding_bag_backward")
    add("opaque", -1, "_embedding_bag_dense_backward=embedding_bag_backward")
    add("opaque", -1, "sort topk kthvalue=topk median searchsorted=search bucketize=search")
    add("opaque", -1, "_fft_c2c=fourier _fft_r2c=fourier _fft_c2r=fourier")
    add("opaque", -1, "_grouped_mm=grouped_matmul")
    add("opaque", TRANSCENDENTAL + 1, "glu logcumsumexp _ctc_loss=ctc_loss")
    add("opaque", TRANSCENDENTAL + 3, "glu_backward _ctc_loss_backward=ctc_loss_backward")
    add("opaque", 3, "mse_loss smooth_l1_loss huber_loss l1_loss")
    add("opaque", 3 * TRANSCENDENTAL, "binary_cross_entropy_with_logits binary_cross_entropy")
    add("pointwise", 4, "binary_cross_entropy_backward")
    add("pointwise", TRANSCENDENTAL + 1, "xlogy")
    add("opaque", 1, "_adaptive_avg_pool2d=adaptive_average_pool")
    add("opaque", 1, "max_pool2d_with_indices_backward=max_pool_backward")
    add("opaque", 1, "_adaptive_avg_pool2d_backward=adaptive_average_pool_backward")
    add("opaque", -1, "avg_pool2d=average_pool avg_pool1d=average_pool avg_pool3d=average_pool")
    add("opaque", -1, "max_pool2d_with_indices=max_pool max_pool3d_with_indices=max_pool")
    add("opaque", -1, "avg_pool2d_backward=average_pool_backward")
    add("opaque", 2, "bernoulli=random rand=random randn=random rand_like=random randn_like=random")
    add("opaque", 2, "normal_functional=random randint=random randperm=random")
    add("opaque", 1, "nll_loss_forward=nll_loss nll_loss2d_forward=nll_loss")
    add("opaque", 0, "nll_loss_backward nll_loss2d_backward=nll_loss_backward")
    add("pointwise", 4, "mse_loss_backward smooth_l1_loss_backward huber_loss_backward")
    for suffix in ("flash_attention", "flash_attention_for_cpu", "efficient_attention"):
        add("opaque", -1, f"_scaled_dot_product_{suffix}=attention")
        add("opaque", -1, f"_scaled_dot_product_{suffix}_backward=attention_backward")
    add("opaque", -1, "_scaled_dot_product_cudnn_attention=attention")
    add("opaque", -1, "_scaled_dot_product_cudnn_attention_backward=attention_backward")
    for name, position in (
        ("nll_loss_backward", 1),
        ("nll_loss2d_backward", 1),
        ("avg_pool2d_backward", 1),
        ("_adaptive_avg_pool2d_backward", 1),
        ("max_pool2d_with_indices_backward", 1),
    ):
        row = table["aten::" + name]
        table["aten::" + name] = dataclasses.replace(row, shape_only=(position,))
    return table


TABLE: dict[str, OpInfo] = _rows()
# Custom operators of widely used packages, arithmetic by the formulas of costs.py.
TABLE |= {
    "transformers::grouped_mm_fallback": OpInfo("grouped_matmul", "opaque"),
    "transformers::grouped_mm_fallback_backward": OpInfo("grouped_matmul_backward", "opaque"),
}

# Parts of aten::convolution_backward, by position of its output.
CONVOLUTION_BACKWARD = (
    OpInfo("convolution_input_gradient", "contraction"),
    OpInfo("convolution_weight_gradient", "contraction"),
    OpInfo("convolution_bias_gradient", "reduction", 1.0),
)


def look_up(schema_name: str) -> OpInfo:
    """The row of "aten::mm"; for an operator that is not in the table an opaque row."""
    row = TABLE.get(schema_name)
    if row is not None:
        return row
    namespace, _, name = schema_name.partition("::")
    return OpInfo(name.strip("_") if namespace == "aten" else schema_name, "opaque")
