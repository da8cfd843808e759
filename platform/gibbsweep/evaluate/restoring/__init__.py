"""Evaluators of restored images: noise removed and holes filled, by PSNR and SSIM."""
