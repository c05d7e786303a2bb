"""One reduced model of voluntary enrolment: in this engine, and as users of others would write it."""
