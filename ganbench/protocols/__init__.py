"""Why a number is not another one's: what two protocols differ in, and what each difference moves."""
