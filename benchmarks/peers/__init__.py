"""Scripts that time other tools' clearing, each with the versions that it is measured with."""
