# Written with the package config.
