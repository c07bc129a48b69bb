"""The network of `slugkit.model.vae` in PyTorch, for comparisons of speed."""

import torch
from torch import nn
from torch.nn import functional

from slugkit.model.vae import Architecture


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    """Return a 3 x 3 convolution that pads as flax does with "SAME"."""
    if stride == 1:
        return nn.Conv2d(inputs, outputs, 3, padding=1)
    return nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(inputs, outputs, 3, stride))


class ResidualBlock(nn.Module):
    """x + conv(elu(bn(conv(elu(bn(x))))))."""

    def __init__(self, width: int):
        super().__init__()
        self.path = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.ELU(),
            convolution(width, width),
            nn.BatchNorm2d(width),
            nn.ELU(),
            convolution(width, width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.path(x)


class VAE(nn.Module):
    """Encoder and decoder with a spatial latent."""

    def __init__(self, architecture: Architecture):
        super().__init__()
        widths, latent = architecture.widths, architecture.latent_size
        encoder: list[nn.Module] = [convolution(3, widths[0])]
        decoder: list[nn.Module] = [convolution(latent, widths[-1])]
        for width, following in zip(widths, (*widths[1:], None), strict=True):
            encoder += [ResidualBlock(width) for _ in range(architecture.blocks)]
            if following is not None:
                encoder.append(convolution(width, following, stride=2))
        for width, following in zip(widths[::-1], (*widths[-2::-1], None), strict=True):
            decoder += [ResidualBlock(width) for _ in range(architecture.blocks)]
            if following is not None:
                decoder += [convolution(width, following), nn.Upsample(scale_factor=2)]
        encoder += [nn.BatchNorm2d(widths[-1]), nn.ELU(), convolution(widths[-1], 2 * latent)]
        decoder += [nn.BatchNorm2d(widths[0]), nn.ELU(), convolution(widths[0], 3), nn.Sigmoid()]
        self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)
        self.variance = architecture.likelihood_variance

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, _ = self.encoder(x).chunk(2, 1)
        return self.decoder(mean)

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """Return the mean negative ELBO, up to a constant."""
        mean, log_variance = self.encoder(x).chunk(2, 1)
        log_variance = log_variance.clamp(-15, 5)
        latent = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).flatten(1).sum(1)
        error = functional.mse_loss(self.decoder(latent), x, reduction="none").flatten(1).sum(1)
        return (error / (2 * self.variance) + divergence).mean()
