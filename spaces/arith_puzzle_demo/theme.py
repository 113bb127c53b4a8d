"""The page's Gradio theme: paper colours, green for what is correct, clay for what is wrong; system fonts only."""

from __future__ import annotations

import gradio as gr
from gradio.themes.utils.colors import Color

SYSTEM = ("ui-rounded", "SF Pro Rounded", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "Menlo", "Consolas", "monospace")

PINE = Color(
    name="pine", c50="#eefaf4", c100="#d6f3e4", c200="#aee6cb", c300="#7bd3ac", c400="#45b98a", c500="#229c6f",
    c600="#137d59", c700="#0f654a", c800="#0f503c", c900="#0d4232", c950="#06261d",
)  # fmt: skip
PAPER = Color(
    name="paper", c50="#fbfaf6", c100="#f4f1e9", c200="#e7e2d5", c300="#d3ccbb", c400="#a39b88", c500="#7b7464",
    c600="#5c564a", c700="#454038", c800="#2b2823", c900="#1d1b18", c950="#131210",
)  # fmt: skip


class Paper(gr.themes.Base):
    """The theme, for light and dark mode."""

    def __init__(self):
        super().__init__(
            primary_hue=PINE, secondary_hue=PINE, neutral_hue=PAPER, radius_size="lg", text_size="md",
            font=SYSTEM, font_mono=MONO,
        )  # fmt: skip
        super().set(
            body_background_fill="*neutral_50",
            body_background_fill_dark="*neutral_950",
            body_text_color="*neutral_800",
            body_text_color_subdued="*neutral_600",
            body_text_color_subdued_dark="*neutral_400",
            block_background_fill="white",
            block_background_fill_dark="*neutral_900",
            block_border_color="*neutral_200",
            block_border_color_dark="*neutral_800",
            block_label_text_color="*neutral_600",
            block_label_text_color_dark="*neutral_300",
            input_background_fill="white",
            input_background_fill_dark="*neutral_900",
            button_primary_background_fill="*primary_700",
            button_primary_background_fill_hover="*primary_800",
            button_primary_background_fill_dark="*primary_600",
            button_primary_background_fill_hover_dark="*primary_700",
            button_primary_text_color="white",
            button_primary_text_color_dark="white",
            button_secondary_background_fill="white",
            button_secondary_background_fill_hover="*neutral_100",
            button_secondary_background_fill_dark="*neutral_800",
            button_secondary_background_fill_hover_dark="*neutral_700",
            button_secondary_border_color="*neutral_300",
            button_secondary_border_color_dark="*neutral_700",
            button_border_width="1px",
        )
