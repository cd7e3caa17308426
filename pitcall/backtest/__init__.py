"""Forecasts of past races and their scores. Pure: tables of laps come from ``pitcall.adapters.laps``."""
