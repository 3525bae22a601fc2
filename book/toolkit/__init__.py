"""The few functions that the cells of the course call.

``data``   reads and checks the tables of ``data/``
``maps``   draws folium maps that need no network
``charts`` gives every plot the same look
``counts`` counts events, in the course's table and in files of GDELT, ICEWS and POLECAT
``samples`` writes made-up events in GDELT's format
"""
