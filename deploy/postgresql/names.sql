-- SPDX-License-Identifier: Apache-2.0
-- The names that roles.sql and grants.sql share, where nobody set others with -v.
\if :{?owner} \else \set owner mlflow_owner
\endif
\if :{?tracking} \else \set tracking mlflow_tracking
\endif
\if :{?registry} \else \set registry mlflow_registry
\endif
\if :{?login} \else \set login mlflow_login
\endif
\if :{?log} \else \set log qaqpa_log
\endif
\if :{?eraser} \else \set eraser qaqpa_eraser
\endif
\if :{?reader} \else \set reader qaqpa_reader
\endif
\if :{?mlflow_database} \else \set mlflow_database mlflow
\endif
\if :{?login_database} \else \set login_database mlflow_login
\endif
\if :{?log_database} \else \set log_database qaqpa_log
\endif
\if :{?workspaces} \else \set workspaces off
\endif
