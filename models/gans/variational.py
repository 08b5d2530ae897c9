"""A GAN that begins as the decoder of an autoencoder."""

from typing import Any

import keras

from models.gans.conditional import ConditionalGAN


@keras.saving.register_keras_serializable("fastsim_zoo")
class VariationalGAN(ConditionalGAN):
    """A GAN whose generator was the decoder of an autoencoder; it keeps the encoder.

    Its training is that of `ConditionalGAN`: the encoder is frozen, and only there to
    be trained before it and to be found in the `.keras` file.

    Args:
        *args: See `ConditionalGAN`.
        encoder: See `VariationalAutoencoder`.
        **kwargs: See `ConditionalGAN`.
    """

    def __init__(self, *args: Any, encoder: keras.Model, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.encoder = encoder
        self.encoder.trainable = False

    def begin(self) -> None:
        """Lets the EMA begin at the generator as it is now."""
        if self.simulator is not self.generator:
            self.simulator.set_weights(self.generator.get_weights())

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        encoder = keras.saving.serialize_keras_object(self.encoder)
        return {**super().get_config(), "encoder": encoder}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> ConditionalGAN:
        """Makes the model from `get_config`."""
        config["encoder"] = keras.saving.deserialize_keras_object(config["encoder"])
        return super().from_config(config, custom_objects)
