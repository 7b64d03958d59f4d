/* The floating-point environment of the arithmetic on the host: rounding to nearest, denormals and no traps,
 * whatever the caller has chosen. Every thread enters and leaves by itself. What is computed in between must be
 * in functions that the compiler does not see into: it moves computations past these calls. */
#ifndef BV_FLOATING_H
#define BV_FLOATING_H

#include <fenv.h>

static inline fenv_t bv_enter_arithmetic(void) {
  fenv_t callers;
  fegetenv(&callers);
  fesetenv(FE_DFL_ENV);
  return callers;
}

static inline void bv_leave_arithmetic(const fenv_t *callers) { fesetenv(callers); }

#endif
