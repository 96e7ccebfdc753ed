import itertools

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from perceptron.composition.settings.groups import group_options

from perceptron.composition.settings.conf_folder import CONF_DIR

GROUPS = ("", "model", "hydra", "hydra/launcher", "schema/model", "seed", "no/such")


def test_options_are_those_that_hydra_finds() -> None:
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        for group, kind in itertools.product(GROUPS, (ObjectType.CONFIG, ObjectType.GROUP, None)):
            assert group_options(loader, group, kind) == loader.get_group_options(group, kind)
        assert {"population", "basic"} <= {*group_options(loader, "hydra/launcher")}
        assert "model" in group_options(loader, "", ObjectType.GROUP)
        assert group_options(loader, "seed") == []
