// SPDX-License-Identifier: Apache-2.0
#pragma once
namespace stentor { class supersede_notices {}; }
