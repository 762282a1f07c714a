// SPDX-License-Identifier: Apache-2.0 OR MIT
// A plug-in of the meter: the name of a unit.
const char *unit(void)
{
	return UNIT;
}
