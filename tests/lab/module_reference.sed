# NO 5.12
# has 3 references left
s/^\tpr_info(\"skel_init_sock.*/\tif (!try_module_get(THIS_MODULE))\n\t\treturn -ENOBUFS;/
