"""The routes of the maps in words, for those who do not see a map: ends, state and capacity of each, and its way from
place to place. The directive ``route-list`` takes a commodity: ``oil``, ``gas`` or ``freight``."""

from course_build import DATA, READING
from docutils import nodes
from sphinx.util.docutils import SphinxDirective


def setup(app):
    app.add_directive("route-list", RouteList)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class RouteList(SphinxDirective):
    required_arguments = 1

    def run(self):
        from toolkit import data  # here: a build that changes nothing needs none of it

        for path in (DATA / "export_routes.csv", DATA / "route_waypoints.csv", *READING):
            self.env.note_dependency(str(path))
        routes = data.load("export_routes").query("commodity == @kind", local_dict={"kind": self.arguments[0]})
        stops = data.load("route_waypoints").sort_values(["route_id", "seq"]).groupby("route_id")["name"].agg(list)
        listed = nodes.definition_list()
        for _, route in routes.iterrows():
            term = nodes.term("", route["name"], ids=[f"route-{route['route_id']}"])
            item = nodes.definition_list_item("", term)
            way = f"Way: {' – '.join(stops[name])}." if (name := route["route_id"]) in stops else "Drawn on no map."
            item += nodes.definition("", nodes.paragraph("", facts(route)), nodes.paragraph("", way))
            listed += item
        return [listed]


def facts(route):
    """What is known of a route, in one line.

    Parameters
    ----------
    route : pandas.Series
        A row of ``export_routes``.

    Returns
    -------
    str
        Its ends, mode and status, its first year, and the capacity with its unit, as far as they are known.
    """
    known = route.dropna()
    parts = [f"{route['mode'].capitalize()}, {route['status']}"]
    if "start_year" in known:
        parts.append(f"first year {known['start_year']:.0f}")
    if "capacity" in known:
        parts.append(f"capacity {known['capacity']:g} {known['unit']}")
    return f"From {route['from_place']} to {route['to_place']}. {', '.join(parts)}."
