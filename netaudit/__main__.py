"""Makes ``python -m netaudit`` the same as the installed command."""

from netaudit.cli.main import main

raise SystemExit(main())
