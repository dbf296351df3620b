/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes of the corruption tool: one command a line, # begins a comment. */
#ifndef PM_TOOLS_RECIPE_H
#define PM_TOOLS_RECIPE_H

#include "whole.h"

/* Do what `text` says; an error's text begins with NAME:LINE. */
enum pm_rc pm_recipe_run(struct pm_whole *w, const char *name, const char *text) PM_MUST_CHECK;

#endif
