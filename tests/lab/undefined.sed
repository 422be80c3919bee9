# NO 1.2
# nothing defines printk
s/^static int skel_init(void)/int printk(const char *fmt, ...);\n&/
s/^\tint err = proto_register.*/\tint err = proto_register(\&skel_prot) + printk("hello");/
